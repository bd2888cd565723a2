"""The demo of payments: signed webhooks of the three bands, a forged one, and the archival of one payment."""

import gzip
import json
import secrets
import time
from datetime import datetime, timezone

from tools import client, paths
from tools.problem import Problem

from .cloud import Cloud
from .demo_steps import Inbox, step

ANALYSIS_SECONDS_MAX = 60
POLL_SECONDS = 0.2
DAYS_BACK = 2
DAY_MILLISECONDS = 24 * 60 * 60 * 1000


def show_webhooks(cloud: Cloud, stack: dict) -> None:
    """Shows how each webhook is routed, and the archive."""
    payments = _Payments(cloud, stack)
    with step("subscribe to payments"):
        alerts, events = Inbox(cloud, "demo-alerts"), Inbox(cloud, "demo-low-values")
        alerts.subscribe(stack["alerts_topic_arn"])
        events.copy_rule(stack["event_bus"], f"low-value-transactions-{stack['suffix']}")
    with step("send signed webhooks of three bands, and a forged one"):
        print(f"POST {stack['webhook_url']}")
        low = payments.send(payments.new("low", "129.90"))
        medium = payments.send(payments.new("medium", "2500.00"))
        high = payments.send(payments.new("high", "12000.00"))
        payments.send_forged(payments.new("forged", "20000.00"))
    with step("find the payments in the table"):
        payments.show_rows()
    topic = _Topic(alerts)
    with step("the low-value payment, which goes to a log group"):
        _show_event(stack, events, low)
    with step("the medium-value payment, which goes to the alerts topic"):
        topic.show(medium, None)
    with step("the high-value payment, which the workflow assesses and publishes"):
        payments.show_analysis(high)
        topic.show(high, "high_value")
    with step("two more of the same amount, the second from another country"):
        for country in ("DE", "BR"):
            risky = payments.send({**payments.new("high", "12000.00"), "metadata": {"country": country}})
            payments.show_analysis(risky)
        topic.show(risky, "high_risk")
    with step("archive the low-value payment"):
        payments.move_back(low)
        _archive(cloud, stack)
        payments.show_archived(low)
    with step("send the webhook of the archived payment again"):
        payments.send(low, is_repeat=True)


class _Payments:
    """The payments of the demo, and their items in the table."""

    def __init__(self, cloud: Cloud, stack: dict):
        self._stack = stack
        self._table = cloud.client("dynamodb")
        self._run = secrets.token_hex(3)
        self._sent = []

    def new(self, band: str, amount: str) -> dict:
        """A new payment. The payments of a band have the same customer."""
        return {
            "transaction_id": f"pay-{self._run}-{band}-{len(self._sent) + 1}",
            "amount": amount,
            "currency": "EUR",
            "provider": self._stack["webhook_provider"],
            "customer_id": f"customer-{band}",
            "metadata": {"country": "DE"},
        }

    def send(self, payment: dict, is_repeat: bool = False) -> dict:
        """Signs and sends a payment, prints the response, and returns the payment."""
        status, response = client.send_webhook(self._stack["webhook_url"], self._stack["webhook_secret"], payment)
        if status != 200 or response["duplicate"] != is_repeat:
            raise Problem(f"The API returned {status} for {payment['transaction_id']}: {json.dumps(response)}")
        duplicate = "true" if response["duplicate"] else "false"
        print(f"{status} {payment['transaction_id']:<22} {payment['amount']:>9} {payment['currency']}  ", end="")
        print(f"duplicate={duplicate}  {response['message']}")
        self._sent.append(payment)
        return payment

    def send_forged(self, payment: dict) -> None:
        """Signs a payment with the secret of another provider, which must be rejected."""
        status, response = client.send_webhook(self._stack["webhook_url"], self._stack["webhook_secret_2"], payment)
        if status != 401 or self._item(payment):
            raise Problem(f"The API returned {status} for a forged webhook: {json.dumps(response)}")
        print(f"{status} {payment['transaction_id']:<22} {payment['amount']:>9} {payment['currency']}  ", end="")
        print(f"{response['error']}: {response['message']}")
        print("    (signed with the secret of another provider; not in the table)")

    def show_rows(self) -> None:
        for payment in self._sent:
            item = self._item(payment)
            if not item or "published_at_ms" not in item:
                raise Problem(f"{payment['transaction_id']} is not stored and published: {item}")
            amount, received = item["amount"]["N"], item["received_at"]["S"]
            print(f"{payment['transaction_id']:<22} {amount:>9} {item['currency']['S']}  ", end="")
            print(f"amount_band={item['amount_band']['S']:<6}  status={item['status']['S']:<8}  received_at={received}")

    def show_analysis(self, payment: dict) -> None:
        """Waits until the workflow has written the assessment, and prints it."""
        deadline = time.monotonic() + ANALYSIS_SECONDS_MAX
        while (item := self._item(payment))["status"]["S"] != "analyzed":
            if time.monotonic() > deadline:
                raise Problem(f"{payment['transaction_id']} is not analyzed after {ANALYSIS_SECONDS_MAX} s.")
            time.sleep(POLL_SECONDS)
        analysis = item["analysis"]["M"]
        print(f"{payment['transaction_id']}  {analysis['level']['S']}, score {analysis['score']['S']}")
        for factor in (factor["M"] for factor in analysis["factors"]["L"]):
            print(f"    {factor['factor']['S']:<18} {factor['weight']['S']}  {factor['reason']['S']}")

    def move_back(self, payment: dict) -> None:
        """Makes a payment older, because the archival skips payments of the last day."""
        item = self._item(payment)
        received_at_ms = int(item["received_at_ms"]["N"]) - DAYS_BACK * DAY_MILLISECONDS
        at = datetime.fromtimestamp(received_at_ms / 1000, timezone.utc).isoformat(timespec="milliseconds")
        shard = item["day_shard"]["S"].split("#")[1]
        self._table.update_item(
            TableName=self._stack["webhook_table"],
            Key=self._key(payment),
            UpdateExpression="SET received_at_ms = :ms, received_at = :at, day_shard = :day_shard",
            ExpressionAttributeValues={
                ":ms": {"N": str(received_at_ms)},
                ":at": {"S": at.replace("+00:00", "Z")},
                ":day_shard": {"S": f"{at[:10]}#{shard}"},
            },
        )
        print(f"set the arrival of {payment['transaction_id']} back by {DAYS_BACK} days, to {at[:10]}, for the demo")

    def show_archived(self, payment: dict) -> None:
        """Prints what remains in the table."""
        item = self._item(payment)
        if "expires_at_ms" not in item or "amount" in item:
            raise Problem(f"The item of {payment['transaction_id']} was not replaced: {item}")
        print(f"remaining attributes in the table, by which a late repeat is detected: {', '.join(sorted(item))}")

    def _item(self, payment: dict) -> dict:
        table = self._stack["webhook_table"]
        return self._table.get_item(TableName=table, Key=self._key(payment), ConsistentRead=True).get("Item", {})

    def _key(self, payment: dict) -> dict:
        event_key = f"{payment['provider']}#transaction.created"
        return {"transaction_id": {"S": payment["transaction_id"]}, "event_key": {"S": event_key}}


class _Topic:
    """The messages of the alerts topic, in any order."""

    def __init__(self, inbox: Inbox):
        self._messages = (json.loads(envelope["Message"]) for envelope in inbox.messages())
        self._received = []

    def show(self, payment: dict, kind: str | None) -> None:
        """Waits for the message of this kind about a payment, and prints it."""
        while not (found := [message for message in self._received if _is_about(message, payment, kind)]):
            self._received.append(next(self._messages))
        print(json.dumps(found[0], indent=2))


def _is_about(message: dict, payment: dict, kind: str | None) -> bool:
    return (message["transaction_id"], message.get("kind")) == (payment["transaction_id"], kind)


def _show_event(stack: dict, events: Inbox, payment: dict) -> None:
    event = next(events.messages())
    if event["detail"]["transaction_id"] != payment["transaction_id"]:
        raise Problem(f"The bus delivered an event of another payment: {json.dumps(event)}")
    print(f"On AWS the rule low-value-transactions-{stack['suffix']} writes the event to a log group. The emulator does not")
    print("deliver to log groups; this is the event by the demo's own rule, which has the same pattern:")
    print(json.dumps(event, indent=2))


def _archive(cloud: Cloud, stack: dict) -> None:
    """Runs the archival as its schedule does, and prints the one object that it writes."""
    event = (paths.ROOT / "events" / "archive.json").read_bytes()
    response = cloud.client("lambda").invoke(FunctionName=stack["archival_function"], Payload=event)
    print(f"{stack['archival_function']} returned {response['Payload'].read().decode()}")
    store = cloud.client("s3")
    objects = store.list_objects_v2(Bucket=stack["audit_bucket"]).get("Contents", [])
    if "FunctionError" in response or len(objects) != 1:
        raise Problem(f"The archival wrote {len(objects)} objects, not one.")
    key = objects[0]["Key"]
    content = store.get_object(Bucket=stack["audit_bucket"], Key=key)["Body"].read()
    print(f"s3://{stack['audit_bucket']}/{key}")
    print(gzip.decompress(content).decode(), end="")
