# At the start: whether another workflow, or jobs that it left to SLURM, are at work in this run. Then, every 15 seconds:
# how far, and how long still; the first time when this machine is measured.
import signal

from snakemake.scheduling.job_scheduler import JobScheduler

from speclm.stage import interrupt, occupancy, progress, slurm
from speclm.study.outlook import Outlook, OwnExtent
from speclm.study.probing import Probe

if workflow.remote_exec:  # a job's own Snakemake on a cluster, in which the hooks below do not run
    JobScheduler.exit_gracefully = interrupt.in_thread(JobScheduler.exit_gracefully)


def own_extent():
    """How large the user's own domain is, as far as that is known before it is read."""
    if not OWN:
        return None
    files = [Path(file) for shard in SHARDS[OWN.dataset.dataset] for file in shard.values()]
    text = sum(file.stat().st_size for file in files if file.is_file())
    return OwnExtent(OWN.name, OWN.dataset.dataset, text, LIMITS["pretraining"], LIMITS["specialization"])


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
    probe = None if jobs_name else Probe(config, run)
    if probe and GPUS:
        probe.wait()  # a training that starts meanwhile would lack its memory
    jobs = progress.Jobs(workflow, Outlook(config, TABLES_IN, REPOSITORY, own_extent(), probe))
    at_once = workflow.nodes if jobs_name else workflow.cores
    progress.watch(jobs, at_once or 1, lambda: probe is None or probe.ready, every=15)


onsuccess:
    if OWN:
        print(f"Advice, results and model: results/{config['run']}/{OWN_NAME}", file=sys.stderr)


onerror:
    print(
        f"The run stopped. What was finished is kept: the same command goes on from there. Log: {log}",
        file=sys.stderr,
    )
