/** The settings that limit what a user stores. */
import Type from "typebox";

export const MiB = 2 ** 20;

export const quotas = {
  FILES_QUOTA_BYTES: Type.Integer({
    default: 10_240 * MiB,
    minimum: 0,
    description: "Storage per user in bytes, including task results; 0 means no limit.",
  }),
  MAX_BATCHES_PER_USER: Type.Integer({
    default: 10_000,
    minimum: 0,
    description: "Stored batches per user; 0 means no limit.",
  }),
  MAX_ROWS_PER_USER: Type.Integer({
    default: 100_000_000,
    minimum: 0,
    description: "Rows in the stored batches of a user; 0 means no limit.",
  }),
  BATCHES_QUOTA_BYTES: Type.Integer({
    default: 102_400 * MiB,
    minimum: 0,
    description: "Bytes of the CSV files in the stored batches of a user; 0 means no limit.",
  }),
  MAX_RECORDS_PER_USER: Type.Integer({
    default: 100_000_000,
    minimum: 0,
    description: "Books and records per user; 0 means no limit.",
  }),
  MAX_TASKS_PER_USER: Type.Integer({
    default: 1_000_000,
    minimum: 0,
    description: "Stored tasks per user; 0 means no limit.",
  }),
  MAX_OPEN_TASKS_PER_USER: Type.Integer({
    default: 200_000,
    minimum: 0,
    description:
      "Tasks of a user that are pending or processing, with the steps of running workflows that have no task yet; 0 means no limit.",
  }),
  MAX_WORKFLOWS_PER_USER: Type.Integer({
    default: 10_000,
    minimum: 0,
    description: "Stored workflows per user; 0 means no limit.",
  }),
  MAX_SCHEDULES_PER_USER: Type.Integer({
    default: 100,
    minimum: 0,
    description: "Schedules per user; 0 means no limit.",
  }),
  MAX_FILES_PER_USER: Type.Integer({
    default: 100_000,
    minimum: 0,
    description: "Files per user, including task results and pictures; 0 means no limit.",
  }),
};
