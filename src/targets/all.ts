/** The registry: every target is its file and a line here. */
export { booksTarget } from "./books/target.ts";
export { recordsTarget } from "./records/target.ts";
export { usersTarget } from "./users/target.ts";
