/** Accounts, and everything else that belongs to one: files, notifications, mails, webhooks, audit entries. */
import { at, idOf, KNOWN, type Owners, type Sizes } from "./fill.ts";

export function accountStatements({ owner, other }: Owners, { others }: Sizes): string[] {
  const accounts = Math.ceil(others / 5);
  return [
    `INSERT INTO rowmill.users (username, email, password_hash, role, disabled_at)
     SELECT 'member-' || n, 'member-' || n || '@example.com', 'x', (CASE WHEN n > ${accounts - 3} THEN 'operator' ELSE 'user' END)::rowmill.user_role,
       CASE WHEN n > ${accounts - 3} THEN now() END
     FROM generate_series(1, ${accounts}) AS n`,
    `INSERT INTO rowmill.files (id, user_id, name, media_type, bytes, sha256, origin, path, created_at, task_id)
     SELECT ${idOf(others)}, CASE WHEN n < 3 THEN ${other} ELSE ${owner} END, 'file-' || n, 'text/plain', 10, '\\x00', origin, CASE WHEN origin <> 'picture' THEN 'files/' || n END,
       ${at(others)}, CASE WHEN origin = 'result' THEN gen_random_uuid() END
     FROM (
       SELECT n, (CASE WHEN n < 10 THEN 'upload' ELSE 'picture' END)::rowmill.file_origin AS origin FROM generate_series(1, ${others}) AS n
     ) AS item`,
    `INSERT INTO rowmill.notifications (id, user_id, kind, subject_id, sequence, data, is_in_app, is_mailed, is_pending, created_at, read_at)
     SELECT ${idOf(others)}, CASE WHEN n < 3 THEN ${other} ELSE ${owner} END, CASE WHEN n < 6 THEN 'task.failed' ELSE 'task.completed' END, gen_random_uuid(), 1,
       '{}', true, false, false, ${at(others)}, CASE WHEN n > 8 THEN ${at(others)} END
     FROM generate_series(1, ${others}) AS n`,
    `INSERT INTO rowmill.mails (id, kind, user_id, address, name, data, state, created_at)
     SELECT ${idOf(others)}, CASE WHEN n < 4 THEN 'schedule_failed' ELSE 'welcome' END, ${owner}, CASE WHEN n < 4 THEN 'rare@example.com' ELSE 'owner@example.com' END, 'Owner', '{}',
       (CASE WHEN n < 4 THEN 'failed' ELSE 'sent' END)::rowmill.mail_state, ${at(others)}
     FROM generate_series(1, ${others}) AS n`,
    `INSERT INTO rowmill.mail_suppressions (address, scope, created_at)
     SELECT 'gone-' || n || '@example.com', 'all', ${at(others)} FROM generate_series(1, ${others}) AS n`,
    `INSERT INTO rowmill.webhooks (id, user_id, url, events, headers, secret)
     SELECT CASE WHEN n = 1 THEN '${KNOWN.webhook}'::uuid ELSE gen_random_uuid() END, ${owner}, 'https://example.com/', '{task.completed}', '{}', 'x'
     FROM generate_series(1, 20) AS n`,
    `INSERT INTO rowmill.webhook_deliveries (id, webhook_id, message_id, kind, body, state, created_at, ended_at)
     SELECT ${idOf(others)}, '${KNOWN.webhook}', gen_random_uuid(), 'task.completed', '{}',
       (CASE WHEN n < 4 THEN 'failed' ELSE 'delivered' END)::rowmill.webhook_delivery_state, ${at(others)}, ${at(others)}
     FROM generate_series(1, ${others}) AS n`,
    `INSERT INTO rowmill.audit_log (at, actor_id, actor_name, actor_role, action, subject_type, subject_id, owner_id, request_id, address, details)
     SELECT ${at(others)}, CASE WHEN n < 4 THEN ${other} ELSE ${owner} END, CASE WHEN n < 4 THEN 'other' ELSE 'owner' END, 'admin',
       CASE WHEN n < 4 THEN 'queue.paused' ELSE 'file.deleted' END, CASE WHEN n < 4 THEN 'queue' ELSE 'user' END, n % 1000, ${owner}, 'request-' || n,
       CASE WHEN n < 4 THEN '203.0.113.7' ELSE '203.0.113.' || n % 5 END, '{}'
     FROM generate_series(1, ${others}) AS n ORDER BY n`,
    `INSERT INTO rowmill.sessions (id, user_id, created_at, expires_at)
     SELECT ${idOf(others)}, ${owner}, ${at(others)}, now() + interval '1 day' FROM generate_series(1, ${Math.ceil(others / 10)}) AS n`,
    `INSERT INTO rowmill.api_tokens (user_id, name, token_hash, hint)
     SELECT ${owner}, 'token ' || n, decode(md5(n::text), 'hex'), 'x' FROM generate_series(1, 1000) AS n`,
    `INSERT INTO rowmill.statistics (minute, tasks_completed, workers_alive, workers_busy)
     SELECT date_trunc('minute', now()) - n * interval '1 minute', 10, 2, 1 FROM generate_series(1, ${Math.min(others, 50_000)}) AS n`,
    `INSERT INTO rowmill.queue_statistics (minute, queue, waiting, scheduled, active)
     SELECT minute, queue, 1, 1, 1 FROM rowmill.statistics, unnest('{bulk_processing,file_processing,default,notifications,http}'::text[]) AS queue`,
    `INSERT INTO rowmill.reports (kind, period_start, data, created_at)
     SELECT 'daily', current_date - n, '{"total_requests":1,"success_rate":"1","is_complete":true}', now() FROM generate_series(1, 3000) AS n`,
    `INSERT INTO rowmill.backups (id, state, created_at, finished_at)
     SELECT ${idOf(5000)}, 'completed', ${at(5000)}, ${at(5000)} FROM generate_series(1, 5000) AS n`,
  ];
}
