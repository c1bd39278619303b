# At the start: whether another workflow is at work in this run. Then, every 15 seconds: how far, and how long still.
from speclm.stage import occupancy, progress


onstart:
    try:
        me = occupancy.occupy(Path("results") / config["run"])
    except UserError as error:
        raise WorkflowError(str(error)) from None
    shell.prefix(f"{exports()} {occupancy.VARIABLE}={me}; ")
    needed = sorted(workflow.dag.needrun_jobs(), key=str)
    weight = progress.weights(
        [(job.rule.name, job.wildcards_dict.get("method", "-")) for job in needed],
        read_table(REPOSITORY / "config/reference/durations.tsv").query(f"run == '{config['run']}'"),
    )
    if weight:
        progress.watch(lambda: [workflow.dag.finished(job) for job in needed], weight, workflow.cores, every=15)


onerror:
    print(
        f"The run stopped. What was finished is kept: the same command goes on from there. Log: {log}",
        file=sys.stderr,
    )
