/** Tasks, workflows, schedules, and the jobs that the queue keeps. */
import { at, idOf, KNOWN, type Owners, type Sizes } from "./fill.ts";

export function taskStatements({ owner, other }: Owners, { tasks, others }: Sizes): string[] {
  const open = Math.ceil(tasks / 100);
  return [
    // Of the other user: a few of each status, at the far end of the list of all tasks.
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, title, status, params, max_retries, job_id, metadata, created_at, started_at,
       completed_at, cancelled_at, error_code, error_message)
     SELECT gen_random_uuid(), ${other}, 'document', 'file_processing', 'Other ' || n, status, '{}', 3, gen_random_uuid(), '{}', ${at(tasks)},
       ${at(tasks)}, CASE WHEN status IN ('completed', 'failed') THEN ${at(tasks)} END,
       CASE WHEN status = 'cancelled' THEN ${at(tasks)} END, CASE WHEN status = 'failed' THEN 'internal' END, CASE WHEN status = 'failed' THEN 'No.' END
     FROM (SELECT n, (enum_range(NULL::rowmill.task_status))[1 + n % 5] AS status FROM generate_series(1, 50) AS n) AS item ORDER BY n`,
    // Of the owner: the oldest three failed, and have everything that is rare. The newest are open, and none was cancelled.
    `INSERT INTO rowmill.tasks (id, user_id, type, queue, title, description, status, progress, params, max_retries, job_id, group_id, workflow_id,
       workflow_step, tags, metadata, created_at, updated_at, started_at, completed_at, error_code, error_message, result)
     SELECT ${idOf(tasks)}, ${owner}, type, CASE type WHEN 'document' THEN 'file_processing' WHEN 'image' THEN 'file_processing' ELSE 'default' END,
       CASE WHEN rare THEN 'Needle ' ELSE 'Task ' END || n, 'One of many', status, CASE WHEN status = 'completed' THEN 100 ELSE 0 END, '{"seconds":1}', 3,
       gen_random_uuid(),
       CASE WHEN rare THEN '${KNOWN.rareGroup}'::uuid WHEN n % 10 = 0 AND n <= 100000 THEN '${KNOWN.largeGroup}'::uuid END,
       CASE WHEN n % 50 = 0 AND n <= 50000 THEN '${KNOWN.workflow}'::uuid END, CASE WHEN n % 50 = 0 AND n <= 50000 THEN n / 50 END,
       CASE WHEN rare THEN '{rare}' WHEN n % 2 = 0 THEN '{frequent,even}' ELSE '{}' END::text[], '{}', ${at(tasks)}, ${at(tasks)}, ${at(tasks)},
       CASE WHEN status IN ('completed', 'failed') THEN ${at(tasks)} + interval '5 seconds' END,
       CASE WHEN status = 'failed' THEN 'internal' END, CASE WHEN status = 'failed' THEN 'No.' END, CASE WHEN status = 'completed' THEN '{"done":true}'::json END
     FROM (
       SELECT n, n < 54 AS rare, CASE WHEN n < 54 THEN 'document' WHEN n % 10 = 5 THEN 'image' ELSE 'generic' END AS type,
         (CASE WHEN n < 54 THEN 'failed' WHEN n > ${tasks - open} AND n < ${tasks - open} + 6 THEN 'processing'
           WHEN n > ${tasks - open} THEN 'pending' ELSE 'completed' END)::rowmill.task_status AS status
       FROM generate_series(51, ${tasks}) AS n
     ) AS item ORDER BY n`,
    `INSERT INTO rowmill.task_events (task_id, type)
     SELECT id, 'completed' FROM rowmill.tasks WHERE user_id = ${owner} AND status = 'completed'`,
    `INSERT INTO rowmill.workflows (id, user_id, name, kind, state, counts, timeout_seconds, deadline_at, created_at, ended_at)
     SELECT ${idOf(others)}, CASE WHEN n < 4 THEN ${other} ELSE ${owner} END, CASE WHEN n < 8 THEN 'Needle ' ELSE 'Workflow ' END || n,
       (CASE WHEN n < 8 THEN 'chord' ELSE 'chain' END)::rowmill.workflow_kind,
       (CASE WHEN n < 8 THEN 'failed' WHEN n % 1000 = 0 THEN 'running' ELSE 'completed' END)::rowmill.workflow_state,
       '{"waiting":0,"queued":0,"completed":1,"failed":0,"skipped":0,"cancelled":0}', 60, ${at(others)}, ${at(others)},
       CASE WHEN n < 8 OR n % 1000 <> 0 THEN ${at(others)} END
     FROM generate_series(1, ${others}) AS n ORDER BY n`,
    `INSERT INTO rowmill.schedules (id, user_id, name, task, cron, is_enabled)
     SELECT CASE WHEN n = 1 THEN '${KNOWN.schedule}'::uuid ELSE gen_random_uuid() END, CASE WHEN n = 5000 THEN ${other} ELSE ${owner} END, 'Schedule ' || n,
       '{"type":"generic"}', '0 0 * * *', false FROM generate_series(1, 5000) AS n`,
    `INSERT INTO rowmill.schedule_ticks (schedule_id, tick_at, state)
     SELECT '${KNOWN.schedule}', ${at(others)}, 'created' FROM generate_series(1, ${others}) AS n`,
    // The queue keeps ended jobs for a day. Few have failed, and they are the oldest.
    `INSERT INTO rowmill_queue.job (name, state, data, created_on, started_on, completed_on, group_id, policy)
     SELECT 'task.default', (CASE WHEN n < 4 THEN 'failed' ELSE 'completed' END)::rowmill_queue.job_state, '{"taskId":"019a0006-0000-7000-8000-000000000001","run":1}', moment, moment, moment,
       ${owner}, 'standard'
     FROM (SELECT n, now() - (${others} - n) * (interval '1 day' / ${others}) AS moment FROM generate_series(1, ${others}) AS n) AS item`,
    `INSERT INTO rowmill_queue.job (name, state, data, start_after, group_id, policy)
     SELECT 'task.default', 'created', '{"taskId":"019a0006-0000-7000-8000-000000000001","run":1}', now() + (n % 2) * interval '1 hour', ${owner}, 'standard'
     FROM generate_series(1, ${Math.ceil(others / 10)}) AS n`,
  ];
}
