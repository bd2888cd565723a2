"""The local cloud and the demo: the template that is deployed to AWS, on this machine, without AWS or Docker.

An emulator of AWS (`ministack`) runs as one process on one port, with IAM enforced. The template is deployed to it with
the changes in `rewrites` and `rest_api` alone, each with its reason; `emulator` adds what the emulator lacks. The
functions are natively built binaries, which the emulator runs as Lambda runs a custom runtime.

Where to look while it runs:

* Log lines of a function: CloudWatch Logs, log group `/aws/lambda/<function name>`, with `FilterLogEvents`. The
  emulator writes the lines of an invocation when it ends, each invocation to a log stream of its own, stdout and stderr
  together, between a START and an END line. A line that is written between two invocations appears in the next one.
* Executions: Step Functions supports ListExecutions, DescribeExecution and GetExecutionHistory for Express workflows
  too, unlike AWS. The log group of the workflow stays empty, and so does the API's access log.
* Log lines of the emulator itself: the file `log_file` of the description (`.local/up/cloud.log` after `up`).
"""
