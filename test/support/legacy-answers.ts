/** The answers that the documents of the two task services show, word for word. */

export const fileTasks = {
  list: {
    count: 100,
    next: "...",
    results: [
      {
        id: "123e4567-e89b-12d3-a456-426614174000",
        celery_task_id: "abc123...",
        status: "processing",
        task_type: "image",
        file_name: "photo.jpg",
        file_size: 2048576,
        progress: 45,
        created_at: "2024-01-15T10:30:00Z",
        completed_at: null,
      },
    ],
  },
  created: {
    celery_task_id: "abc123...",
    task_type: "image",
    file_name: "image.jpg",
    file_size: 2048576,
    status: "pending",
    progress: 0,
    created_at: "2024-01-15T10:30:00Z",
  },
  one: {
    id: "123e4567-e89b-12d3-a456-426614174000",
    celery_task_id: "abc123...",
    status: "processing",
    progress: 75,
    file_name: "image.jpg",
    file_size: 2048576,
    error_message: null,
    retry_count: 0,
    created_at: "2024-01-15T10:30:00Z",
    started_at: "2024-01-15T10:30:05Z",
    completed_at: null,
    is_cancellable: true,
    is_retryable: false,
    elapsed_time: 35.5,
  },
  cancelled: { status: "cancelled" },
  retried: { status: "retrying" },
  progress: { pending: 5, processing: 3, completed: 25, failed: 2, total: 35 },
  bulk: { celery_task_id: "bulk123...", status: "processing", files_count: 3 },
};

const user = { id: 1, username: "john_doe", email: "john@example.com" };
const tokens = { refresh: "eyJ0eXAiOiJKV1QiLCJhbGc...", access: "eyJ0eXAiOiJKV1QiLCJhbGc..." };

export const taskQueue = {
  registered: { user, tokens, message: "User registered successfully" },
  loggedIn: { user, tokens, message: "Login successful" },
  created: {
    task: {
      id: 1,
      user,
      title: "Process Customer Data",
      description: "Import and process customer CSV file",
      status: "PENDING",
      result: null,
      celery_task_id: "8f7e2c3d-4b1a-5e6f-7g8h-9i0j1k2l3m4n",
      created_at: "2025-11-05T10:30:00Z",
      updated_at: "2025-11-05T10:30:00Z",
    },
    message: "Task created and processing started",
  },
  list: {
    count: 25,
    next: "http://localhost:8000/api/tasks/?page=2",
    previous: null,
    results: [
      {
        id: 1,
        title: "Process Customer Data",
        status: "COMPLETED",
        created_at: "2025-11-05T10:30:00Z",
        updated_at: "2025-11-05T10:30:15Z",
      },
    ],
  },
  one: {
    task: {
      id: 1,
      user,
      title: "Process Customer Data",
      description: "Import and process customer CSV file",
      status: "COMPLETED",
      result: "Task completed successfully in 15 seconds at 2025-11-05T16:52:34.115391+00:00",
      celery_task_id: "8f7e2c3d-4b1a-5e6f-7g8h-9i0j1k2l3m4n",
      created_at: "2025-11-05T10:30:00Z",
      updated_at: "2025-11-05T10:30:15Z",
    },
    cached: true,
  },
  deleted: { message: "Task 1 deleted successfully" },
  stats: {
    stats: [
      { status: "PENDING", count: 5 },
      { status: "PROCESSING", count: 2 },
      { status: "COMPLETED", count: 18 },
      { status: "FAILED", count: 1 },
    ],
    total: 26,
  },
  all: {
    count: 150,
    tasks: [
      {
        id: 1,
        user,
        title: "Process Customer Data",
        status: "COMPLETED",
        created_at: "2025-11-05T10:30:00Z",
        updated_at: "2025-11-05T10:30:15Z",
      },
    ],
  },
  refused: { error: "Detailed error message", field_errors: { title: ["This field is required."] } },
};

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** Words of one case, which programs compare. */
const WORD = /^([a-z]+|[A-Z]+)$/;

/**
 * Lists the differences that could break a client which follows the example: missing fields, and values of another type.
 * Additional fields are allowed. A null in the example allows a time or a text.
 */
export function missing(example: unknown, answer: unknown, path = "answer"): string[] {
  if (example === null) return answer === null || typeof answer === "string" ? [] : [path];
  if (Array.isArray(example)) {
    if (!Array.isArray(answer) || answer.length === 0) return [path];
    return answer.flatMap((item, index) => missing(example[0], item, `${path}.${index}`));
  }
  if (typeof example === "object") {
    if (typeof answer !== "object" || answer === null) return [path];
    const found = answer as Record<string, unknown>;
    return Object.entries(example).flatMap(([name, value]) => missing(value, found[name], `${path}.${name}`));
  }
  return isAlike(example, answer) ? [] : [`${path}: ${JSON.stringify(answer)}`];
}

function isAlike(example: unknown, answer: unknown): boolean {
  if (typeof example !== "string" || typeof answer !== "string") return typeof example === typeof answer;
  if (MOMENT.test(example)) return MOMENT.test(answer);
  const isWord = WORD.exec(example);
  return (
    !isWord ||
    (WORD.test(answer) && (example === example.toUpperCase()) === (answer === answer.toUpperCase()))
  );
}
