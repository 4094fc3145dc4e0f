/** The registry: every target is its file and a line here. */
export { booksTarget } from "./books.ts";
export { recordsTarget } from "./records.ts";
export { usersTarget } from "./users.ts";
