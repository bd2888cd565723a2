"""A Python version of one of our functions: boto3, the same clients, the same calls for the sample event.

It validates nothing, and calls the Runtime API itself instead of through Lambda's Python client, so that it starts
sooner than a real one.
"""

import base64
import hashlib
import hmac
import http.client
import json
import os
import sys

import boto3

PAYMENTS = os.environ["PAYMENTS_TABLE"]
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


def draw():
    dynamodb.update_item(
        TableName=TABLE,
        Key={"file_id": {"S": "sequence#acme"}},
        UpdateExpression="SET #sequence = :now",
        ConditionExpression="attribute_not_exists(#sequence) OR #sequence < :now",
        ExpressionAttributeNames={"#sequence": "sequence"},
        ExpressionAttributeValues={":now": {"N": "1768480496123"}},
        ReturnValues="UPDATED_NEW",
    )


def csv_validator(event):
    body = base64.b64decode(event["body"])
    name = hashlib.sha256(body).hexdigest()
    draw()
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


def webhook_validator(event):
    body = event["body"].encode()
    digest = hmac.digest(SIGNING_SECRET, body, "sha256").hex()
    item = {name: {"S": str(value)} for name, value in json.loads(body).items()}
    dynamodb.put_item(TableName=PAYMENTS, Item=item, ConditionExpression="attribute_not_exists(transaction_id)")
    entry = {"EventBusName": "payments", "Source": "s", "DetailType": "t", "Detail": event["body"]}
    events.put_events(Entries=[entry])
    move("published")
    return {"statusCode": 200, "body": json.dumps({"digest": digest})}


def fraud_detector(event):
    item = dynamodb.get_item(TableName=PAYMENTS, Key=KEY, ConsistentRead=True)["Item"]
    values = {":c": item["customer"]}
    dynamodb.query(TableName=PAYMENTS, KeyConditionExpression="c = :c", ExpressionAttributeValues=values)
    dynamodb.get_item(TableName="customers", Key=KEY, ConsistentRead=True)
    move("analyzed")
    dynamodb.put_item(TableName="customers", Item=item)
    return {"risk_level": "medium_risk"}


def transaction_archival(event):
    move("leased")
    for day in range(32):
        for shard in range(16):
            values = {":d": {"S": f"{day}#{shard}"}}
            dynamodb.query(TableName=PAYMENTS, KeyConditionExpression="d = :d", ExpressionAttributeValues=values)
    move("released")
    return {"outcome": "done"}


HANDLERS = {
    "csv-validator": csv_validator,
    "data-transformer": data_transformer,
    "notification-sender": notification_sender,
    "webhook-validator": webhook_validator,
    "fraud-detector": fraud_detector,
    "transaction-archival": transaction_archival,
}
handle = HANDLERS[sys.argv[1]]
dynamodb = boto3.client("dynamodb")
if handle in (notification_sender, fraud_detector):
    sns = boto3.client("sns")
elif handle is webhook_validator:
    events = boto3.client("events")
    secret = boto3.client("secretsmanager").get_secret_value(SecretId="webhook-signing/startup/acme-pay")
    SIGNING_SECRET = secret["SecretString"].encode()
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
