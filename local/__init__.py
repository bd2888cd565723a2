"""Runs the real template on this machine, with no AWS account and no Docker.

An emulator of AWS (`ministack`) runs as one process on one port, with IAM enforced. The template that is deployed to
AWS is deployed to it, with no other changes than those in `rewrites` and `rest_api`, which say why each is needed;
`emulator` adds the one thing that events lack there. The functions are the natively built binaries, run by the emulator
as Lambda runs a custom runtime.

Where things are to be found while it runs:

* Log lines of a function: CloudWatch Logs, log group `/aws/lambda/<function name>`. The emulator writes the lines of an
  invocation when the invocation ends, each invocation to its own log stream, stdout and stderr together, between a
  START and an END line. `FilterLogEvents` on the group reads them all. A line that is written between two invocations
  comes with the next one.
* Executions: Step Functions answers ListExecutions, DescribeExecution and GetExecutionHistory for Express workflows
  too, which AWS does not. The log group of the workflow stays empty, as does the API's access log.
* Log lines of the emulator itself: the file `log_file` of the description (`.local/up/cloud.log` after `up`).
"""
