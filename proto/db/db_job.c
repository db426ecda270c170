#include "proto/db/db_job.h"

void *db_job_new(const struct db_task *task)
{
    struct db_job *job = mem_alloc(task->job_bytes);
    job->task = task;
    return job;
}

void db_job_free(void *arg)
{
    struct db_job *job = arg;
    mem_free(&job->reason);
    if (job->task->is_secret) {
        explicit_bzero(job, job->task->job_bytes);
    }
    mem_free(&job);
}

enum err db_job_run(void *arg, struct db *db)
{
    struct db_job *job = arg;
    const struct db_task *task = job->task;
    return task->work != NULL ? task->work(job, db)
                              : db_query_run(db, &task->query, job, &job->rows);
}
