/** The names of the queues. */
export const queueWords = {
  bulk_processing: "Imports",
  file_processing: "Files",
  default: "Default",
  notifications: "Notifications",
  http: "HTTP",
} as const;
