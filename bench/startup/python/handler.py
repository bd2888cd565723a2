"""The twin of one of our functions, as most would write it: boto3, the same clients, the same calls for the sample event.

It checks nothing of what it is given, and speaks to the Runtime API by itself instead of through Lambda's Python client, so
that it starts sooner than a real one.
"""

import base64
import hashlib
import http.client
import json
import os
import sys

import boto3

BUCKET, TABLE, ROWS = os.environ["S3_BUCKET"], os.environ["STATUS_TABLE"], os.environ["TRANSACTIONS_TABLE"]
KEY = {"file_id": {"S": "985edebedbea3164b836f93ccfc83cb2"}}


def move(status):
    dynamodb.update_item(
        TableName=TABLE,
        Key=KEY,
        UpdateExpression="SET #status = :status",
        ExpressionAttributeNames={"#status": "status"},
        ExpressionAttributeValues={":status": {"S": status}},
        ReturnValues="ALL_NEW",
    )


def csv_validator(event):
    body = base64.b64decode(event["body"])
    name = hashlib.sha256(body).hexdigest()
    dynamodb.get_item(TableName=TABLE, Key=KEY, ConsistentRead=True)
    move("validating")
    s3.put_object(Bucket=BUCKET, Key=f"validated/{name}.csv", Body=body)
    move("validated")
    return {"statusCode": 200, "body": json.dumps({"file_id": name})}


def data_transformer(event):
    move("processing")
    text = s3.get_object(Bucket=BUCKET, Key=event["file"]["key"])["Body"].read().decode()
    header, *lines = text.splitlines()
    for line in lines:
        values = zip(header.split(","), line.split(","))
        dynamodb.put_item(TableName=ROWS, Item={name: {"S": value} for name, value in values})
    return {"rows": len(lines)}


def notification_sender(event):
    move("processed")
    move("notifying")
    sns.publish(TopicArn=os.environ["SNS_TOPIC_ARN"], Message=json.dumps(event["file"]))
    move("completed")
    return {"published": True}


HANDLERS = {
    "csv-validator": csv_validator,
    "data-transformer": data_transformer,
    "notification-sender": notification_sender,
}
handle = HANDLERS[sys.argv[1]]
dynamodb = boto3.client("dynamodb")
if handle is notification_sender:
    sns = boto3.client("sns")
else:
    s3 = boto3.client("s3")

runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    runtime.request("GET", "/2018-06-01/runtime/invocation/next")
    response = runtime.getresponse()
    event = json.loads(response.read())
    request_id = response.headers["Lambda-Runtime-Aws-Request-Id"]
    runtime.request("POST", f"/2018-06-01/runtime/invocation/{request_id}/response", json.dumps(handle(event)))
    runtime.getresponse().read()
