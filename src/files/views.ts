import Type, { type Static } from "typebox";
import { Moment, nullable, Uuid } from "../platform/http/schemas.ts";
import { defaultPath } from "./names.ts";
import type { StoredFile } from "./read-file.ts";

export const ShownOrigin = Type.Enum(["upload", "result"], {
  description: "upload: sent to `/api/v1/files`. result: created by a task.",
});
export type ShownOrigin = Static<typeof ShownOrigin>;

export const FileView = Type.Object(
  {
    id: { ...Uuid, description: "The id of the file." },
    name: Type.String({ description: "The name of the file." }),
    path: Type.String({ description: "The path that tasks use as `file_path`." }),
    media_type: Type.String({ description: "Detected from the content." }),
    bytes: Type.Integer({ description: "The size in bytes." }),
    sha256: Type.String({ description: "SHA-256 of the content, in hexadecimal." }),
    origin: ShownOrigin,
    task_id: nullable(
      Type.String({ format: "uuid" }),
      "The task that created the file. null: it was uploaded.",
    ),
    created_at: Moment("When the file was stored."),
  },
  {
    $id: "StoredFile",
    description: "A file for tasks, or a file that a task created.",
    examples: [
      {
        id: "019c1f3e-7f0a-7c11-9d43-6d0b2c1a9e01",
        name: "image.jpg",
        path: "/path/to/image.jpg",
        media_type: "image/jpeg",
        bytes: 482113,
        sha256: "8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92",
        origin: "upload",
        task_id: null,
        created_at: "2026-11-22T03:43:21.893Z",
      },
    ],
  },
);

export function viewFile(file: StoredFile): Static<typeof FileView> {
  return {
    id: file.id,
    name: file.name,
    path: file.path ?? defaultPath(file.id, file.name),
    media_type: file.mediaType,
    bytes: file.bytes,
    sha256: file.sha256.toString("hex"),
    origin: file.origin === "result" ? "result" : "upload",
    task_id: file.taskId,
    created_at: file.createdAt.toISOString(),
  };
}
