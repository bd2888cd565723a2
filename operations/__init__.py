"""What a person does with the deployed system: bootstrap, deploy, partner, provider, destroy.

Each works with the credentials that the AWS command line would use. With AWS_ENDPOINT_URL it works against the local
cloud instead, which is how it is tested. Only the standard library and boto3 are used, from the environment `cloud` of
`local`; `sam` itself runs from the environment `sam`.
"""
