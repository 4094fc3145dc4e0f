/** The answers of the replaced Django book upload, and its calls. */
import type { Static } from "typebox";
import type { BookView } from "../../src/books/views.ts";
import type { Client } from "./client.ts";

export interface Session {
  success: boolean;
  access: string;
  refresh: string;
  user_id: number;
  username: string;
}

export interface Accepted {
  batch_id: string;
  task_ids: string[];
  total_rows: number;
  next?: string;
}

interface Task {
  task_id: string;
  status: string;
  title: string;
  author: string;
  error_message: string | null;
  created_at: string;
  completed_at: string | null;
}

export interface TaskDetail extends Task {
  batch_id: string;
  description: string;
  created_book_id: number | null;
  celery_task_id: string | null;
}

export interface BatchStatus {
  batch_id: string;
  total: number;
  pending: number;
  processing: number;
  success: number;
  failed: number;
  tasks: Task[];
  next_cursor?: string;
}

export type Book = Static<typeof BookView>;

export const TEST_BOOKS = `title,author,description
The Great Gatsby,F. Scott Fitzgerald,A novel of the Jazz Age
1984,George Orwell,A dystopian novel
To Kill a Mockingbird,Harper Lee,A classic of American literature
`;
export const manyBooks = (count: number) =>
  `title,author\n${Array.from({ length: count }, (_, index) => `Title ${index},Author ${index}\n`).join("")}`;

export const upload = (user: Client, content: string, path = "/bulk-upload/") =>
  user.upload<Accepted>(content, path, "test_books.csv");
export const taskStatus = (user: Client, taskId: string) =>
  user.get<TaskDetail>(`/task-status/?task_id=${taskId}`);
export const batchStatus = (user: Client, batchId: string, more = "") =>
  user.get<BatchStatus>(`/batch-status/?batch_id=${batchId}${more}`);
