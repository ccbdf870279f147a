"""An MPI job as instances of one Zoe execution, without ssh.

Workers call the launcher and prove that they know the execution's secret. ``mpirun`` believes that
it reaches them by ssh; what it calls instead (:mod:`zoe_mpi.agent`) hands the command to the
launcher, which signs it and sends it over the worker's connection::

    launcher instance                                    worker instance
    mpirun -> zoe-mpi-agent --unix socket-> Switchboard ==tcp==> Worker -> sh -c "prted …" -> ranks

Only the launcher listens. A worker runs nothing that is not signed with the secret.
"""
