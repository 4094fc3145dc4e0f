/** All targets, one line per target. */
export { booksTarget } from "./books/target.ts";
export { messagesTarget } from "./messages/target.ts";
export { recordsTarget } from "./records/target.ts";
export { usersTarget } from "./users/target.ts";
