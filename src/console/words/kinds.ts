/** The kinds of events, as people read them. */
export const kindWords: Readonly<Record<string, string>> = {
  "batch.finished": "Import finished",
  "task.completed": "Task completed",
  "task.failed": "Task failed",
  "schedule.failed": "Schedule failed",
  "workflow.completed": "Workflow completed",
  "workflow.failed": "Workflow failed",
  "report.ready": "Report ready",
  "backup.completed": "Backup completed",
  "backup.failed": "Backup failed",
  "webhook.disabled": "Webhook disabled",
  "webhook.test": "Test",
  "email.refused": "Mail refused",
  message: "Message of an admin",
  "admin.alert": "Alert",
};
