"""What people do with a deployed stack: bootstrap, deploy, partner, operator, provider, destroy.

Each command uses the credentials that the AWS command line would use. With AWS_ENDPOINT_URL it uses the local cloud
instead, which is how it is tested. The commands need the standard library and boto3, from the Python environment
`cloud`; `sam` itself runs in the environment `sam`.
"""
