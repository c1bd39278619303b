# At the start: whether another workflow, or jobs that it left to SLURM, are at work in this run. Then, every 15 seconds:
# how far, and how long still.
import signal

from snakemake.scheduling.job_scheduler import JobScheduler

from speclm.stage import interrupt, occupancy, progress, slurm

if workflow.remote_exec:  # a job's own Snakemake on a cluster, in which the hooks below do not run
    JobScheduler.exit_gracefully = interrupt.in_thread(JobScheduler.exit_gracefully)


onstart:
    interrupt.handle_in_thread(signal.SIGTERM)
    run = Path("results") / config["run"]
    executor = workflow.scheduler._executor
    jobs_name = getattr(executor, "run_uuid", None)  # where SLURM runs the jobs
    try:
        me = occupancy.occupy(run)
        if jobs_name:
            if slurm.take_over(run, jobs_name):
                slurm.plan_again()
            slurm.look_in_time(executor)
    except UserError as error:
        raise WorkflowError(str(error)) from None
    shell.prefix(f"{exports()} {occupancy.VARIABLE}={me}; ")
    needed = sorted(workflow.dag.needrun_jobs(), key=str)
    weight = progress.weights(
        [(job.rule.name, job.wildcards_dict.get("method", "-")) for job in needed],
        read_table(REPOSITORY / "config/reference/durations.tsv").query(f"run == '{config['run']}'"),
    )
    if weight:
        progress.watch(
            lambda: [workflow.dag.finished(job) for job in needed],
            weight,
            1 if jobs_name else workflow.cores,
            every=15,
        )


onsuccess:
    if OWN:
        print(f"Advice, results and model: results/{config['run']}/{OWN_NAME}", file=sys.stderr)


onerror:
    print(
        f"The run stopped. What was finished is kept: the same command goes on from there. Log: {log}",
        file=sys.stderr,
    )
