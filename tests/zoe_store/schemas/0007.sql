-- As 0006, with executions that were changed, and an audit log.

UPDATE deployment SET epoch = 7, master_seen_at = '2026-11-20 10:00:00+00',
    master = '{"commands_url": "tcp://127.0.0.1:40001", "events_url": "tcp://127.0.0.1:40002",
               "backend": "process", "capabilities": {"needs_command": true},
               "defaults": {"memory": 536870912, "cores": 0.1}}';

INSERT INTO executions (user_name, name, zapp, description, parameters, server_name,
    idempotency_key, fingerprint, submitted_at, status, on_hold, start_failures, terminate, outcome,
    reason, starting_since, started_at, ended_at) VALUES
    ('ada', 'done', 'notebook-job',
     '{"version": 4, "name": "notebook-job", "will_end": true, "size": 128, "services": [
        {"name": "notebook", "image": "jupyter", "monitor": true, "total_count": 1,
         "essential_count": 1, "command": "zoe-notebook run example.ipynb",
         "resources": {"memory": {"min": 536870912, "max": null}, "cores": {"min": 1, "max": null}}}]}',
     '{"notebook": "example.ipynb"}', NULL, 'key-1', 'fingerprint-1', '2026-11-19 08:00:00+00',
     'terminated', false, 0, NULL, 'terminated', 'notebook-0 ended with exit code 0.',
     '2026-11-19 08:00:01+00', '2026-11-19 08:00:02+00', '2026-11-19 08:05:00+00'),
    ('ada', 'broken', NULL,
     '{"version": 3, "name": "mine", "will_end": true, "size": 512, "services": [
        {"name": "main", "image": "python", "monitor": true, "total_count": 1,
         "essential_count": 1, "command": "false", "environment": [["A", "1"]],
         "resources": {"memory": {"min": 268435456, "max": 268435456},
                       "cores": {"min": null, "max": null}}}]}',
     '{}', NULL, NULL, NULL, '2026-11-19 09:00:00+00',
     'error', false, 3, NULL, 'error', 'main-0 ended with exit code 1.',
     '2026-11-19 09:00:01+00', '2026-11-19 09:00:02+00', '2026-11-19 09:00:03+00'),
    ('ada', 'lab', 'jupyter',
     '{"version": 4, "name": "jupyter", "will_end": false, "size": 64, "hub_server": "notebook",
       "services": [
        {"name": "notebook", "image": "jupyter", "monitor": true, "total_count": 1,
         "essential_count": 1, "command": "zoe-jupyter",
         "ports": [{"name": "JupyterLab", "protocol": "tcp", "port_number": 8888,
                    "url_template": "http://{ip_port}{proxy_path}", "kind": "web"}],
         "resources": {"memory": {"min": 536870912, "max": null}, "cores": {"min": 1, "max": null}}}]}',
     '{"memory": 512}', 'lab', NULL, NULL, '2026-11-20 09:00:00+00',
     'running', false, 0, NULL, NULL, NULL,
     '2026-11-20 09:00:01+00', '2026-11-20 09:00:05+00', NULL),
    ('bob', 'ending', 'mpi-job',
     '{"version": 4, "name": "mpi-job", "will_end": true, "size": 8, "services": [
        {"name": "rank", "image": "mpi", "monitor": true, "total_count": 2, "essential_count": 2,
         "command": "zoe-mpi", "restart": {"policy": "never"},
         "resources": {"memory": {"min": 134217728, "max": null}, "cores": {"min": 1, "max": null}}}]}',
     '{}', NULL, NULL, NULL, '2026-11-20 09:30:00+00',
     'cleaning_up', false, 0, NULL, 'terminated', 'bob ended it.',
     '2026-11-20 09:30:01+00', '2026-11-20 09:30:02+00', NULL),
    ('bob', 'starting', NULL,
     '{"version": 3, "name": "s", "will_end": true, "size": 1, "services": [
        {"name": "main", "image": "python", "monitor": true, "total_count": 1,
         "essential_count": 1, "command": "sleep 60",
         "resources": {"memory": {"min": 268435456, "max": 268435456},
                       "cores": {"min": 0.5, "max": 0.5}}}]}',
     '{}', NULL, NULL, NULL, '2026-11-20 09:40:00+00',
     'starting', false, 1, NULL, NULL, NULL, '2026-11-20 09:59:59+00', NULL, NULL),
    ('bob', 'queued', NULL,
     '{"version": 3, "name": "q", "will_end": true, "size": 1, "services": [
        {"name": "main", "image": "python", "monitor": true, "total_count": 1,
         "essential_count": 1, "command": "sleep 60",
         "resources": {"memory": {"min": 268435456, "max": 268435456},
                       "cores": {"min": 0.5, "max": 0.5}}}]}',
     '{}', NULL, NULL, NULL, '2026-11-20 09:50:00+00',
     'queued', true, 0, 'bob ended it.', NULL, NULL, NULL, NULL, NULL),
    ('eve', 'new', NULL,
     '{"version": 3, "name": "n", "will_end": true, "size": 1, "services": [
        {"name": "main", "image": "python", "monitor": true, "total_count": 1,
         "essential_count": 1, "command": "sleep 60",
         "resources": {"memory": {"min": 268435456, "max": 268435456},
                       "cores": {"min": 0.5, "max": 0.5}}}]}',
     '{}', NULL, 'key-1', 'fingerprint-2', '2026-11-20 10:00:00+00',
     'submitted', false, 0, NULL, NULL, NULL, NULL, NULL, NULL);

INSERT INTO instances (execution_id, service, index, attempt, node, memory, millicores, gpus,
    essential, monitor, desired, observed, exit_code, detail, addresses, started_at, ended_at) VALUES
    (1, 'notebook', 0, 1, 'here', 536870912, 1000, 0, true, true, 'absent', 'exited', 0, NULL,
     '[]', '2026-11-19 08:00:02+00', '2026-11-19 08:04:59+00'),
    (3, 'notebook', 0, 1, 'here', 536870912, 1000, 0, true, true, 'absent', 'lost', NULL,
     'the node went away', '[]', '2026-11-20 09:00:02+00', '2026-11-20 09:00:03+00'),
    (3, 'notebook', 0, 2, 'here', 536870912, 1000, 0, true, true, 'present', 'running', NULL, NULL,
     '[[8888, "127.20.0.5", 8888]]', '2026-11-20 09:00:05+00', NULL),
    (4, 'rank', 0, 1, 'here', 134217728, 1000, 0, true, true, 'absent', 'exited', 143, NULL, '[]',
     '2026-11-20 09:30:02+00', '2026-11-20 09:59:58+00'),
    (4, 'rank', 1, 1, 'there', 134217728, 1000, 1, true, false, 'absent', 'running', NULL, NULL,
     '[]', '2026-11-20 09:30:02+00', NULL),
    (5, 'main', 0, 2, 'here', 268435456, 500, 0, true, true, 'present', 'creating', NULL, NULL,
     '[]', NULL, NULL);

INSERT INTO intents (execution_id, kind, by_user, arguments, at, handled_at) VALUES
    (4, 'terminate', 'bob', '{"reason": "bob ended it."}', '2026-11-20 09:59:50+00',
     '2026-11-20 09:59:51+00'),
    (6, 'terminate', 'bob', '{"reason": "bob ended it."}', '2026-11-20 10:00:00+00', NULL);

INSERT INTO events (execution_id, at, kind, data) VALUES
    (1, '2026-11-19 08:00:00+00', 'submitted', '{"status": "submitted"}'),
    (1, '2026-11-19 08:00:01+00', 'status', '{"from": "submitted", "to": "starting"}'),
    (3, '2026-11-20 09:00:00+00', 'submitted', '{"status": "submitted"}'),
    (6, '2026-11-20 10:00:00+00', 'terminate_requested', '{"by": "bob"}'),
    (7, '2026-11-20 10:00:00+00', 'submitted', '{"status": "submitted"}');

INSERT INTO launch_secrets (execution_id, environment) VALUES
    (3, '{"JUPYTERHUB_API_TOKEN": "not a real one"}');

INSERT INTO nodes (name, memory, millicores, gpus, labels, online, draining, images,
    missing_images, seen_at) VALUES
    ('here', 8589934592, 4000, 0, '["ssd"]', true, false, '["jupyter", "mpi", "python"]',
     '{"spark": "Java is missing"}', '2026-11-20 10:00:00+00'),
    ('there', 17179869184, 8000, 2, '[]', false, true, NULL, '{}', '2026-11-20 09:00:00+00');

INSERT INTO strangers (execution_id, service, index, attempt, node, observed, why, first_seen_at)
    VALUES
    (1, 'notebook', 0, 2, 'here', 'running', 'The database knows no such attempt.',
     '2026-11-20 09:00:00+00'),
    (99, 'main', 0, 1, 'there', 'exited', 'The database knows no such execution.',
     '2026-11-20 09:00:00+00');

UPDATE executions SET groups = '["lab", "staff"]', overtaken = 2 WHERE user_name = 'bob';
UPDATE executions SET predicted_at = submitted_at,
    predicted_start_low = submitted_at, predicted_start = submitted_at + interval '5 minutes',
    predicted_start_high = submitted_at + interval '10 minutes' WHERE id IN (1, 6);
UPDATE executions SET predicted_start_high = NULL WHERE id = 6;
UPDATE instances SET devices = '["GPU-0"]' WHERE gpus = 1;
UPDATE nodes SET devices = '["GPU-0", "GPU-1"]', pressured = true, local_images = '["spark"]'
    WHERE name = 'there';

INSERT INTO quotas (kind, name, executions, memory, millicores, gpus, runtime_limit, weight,
    changed_at, by_user) VALUES
    ('user', 'ada', 10, 68719476736, 16000, 2, 86400, 2.5, '2026-11-20 08:00:00+00', 'root'),
    ('group', 'lab', 4, NULL, NULL, 0, NULL, NULL, '2026-11-20 08:00:01+00', 'root'),
    ('user', 'bob', 9223372036854775807, NULL, 9223372036854775807, NULL, NULL, NULL,
     '2026-11-20 08:00:03+00', 'root'),
    ('default', '', 2, NULL, NULL, NULL, 3600, 0.5, '2026-11-20 08:00:02+00', 'root');

INSERT INTO drains (node, by_user, at) VALUES ('here', 'root', '2026-11-20 09:00:00+00');
INSERT INTO usage_totals (day, user_name, groups, zapp, executions, failed, ran, wait_seconds,
    millicore_seconds, byte_seconds, gpu_seconds) VALUES
    ('2026-10-31', 'ada', '["lab"]', 'spark-job', 3, 1, 2, 45.5, 7200000, 3.6e12, 0);
INSERT INTO purged_runs (execution_id, user_name, zapp_name, seconds, ended_at) VALUES
    (900, 'eve', 'spark-job', 60.5, '2026-11-19 08:30:00+00');
INSERT INTO purged_use (user_name, byte_seconds, millicore_seconds, gpu_seconds, at) VALUES
    ('eve', 3.6e12, 7200000, 0, '2026-11-19 12:00:00+00');
UPDATE executions SET changes = '{"priority": "low", "runtime_limit": 3600}' WHERE name = 'lab';
UPDATE executions SET changes = '{"resources": {"main": {"memory": 1073741824, "cores": 0.5}}}'
    WHERE name = 'queued';
INSERT INTO audit (at, actor, actor_kind, action, target, outcome, detail, key) VALUES
    ('2026-11-19 08:00:00+00', 'ada', 'user', 'launch', 'executions/1', 'done',
     '{"zapp": "notebook-job", "name": "done"}', '5f0c2a2e-4c0b-4f6e-9a55-0d2f3c1e7b11'),
    ('2026-11-19 08:01:00+00', 'bob', 'user', 'endExecution', 'executions/1', 'refused',
     '{"status": 404, "why": "You have no execution 1."}', '9b1d6c3f-7a28-4e0d-8c44-6be2f5a0d913');
