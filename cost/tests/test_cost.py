"""The arithmetic of the cost model, and its agreement with the code and the template."""

import json
import unittest
from dataclasses import replace
from fractions import Fraction

from cost import __main__ as cost
from cost import model, payments
from cost.model import Bill, Inputs, Measured
from cost.prices import PRICES
from tools.paths import ROOT

MEASURED = Measured(
    when="a day",
    upload_small=(80_000, Fraction(40)),
    upload_large=(1_000_000, Fraction(60)),
    upload_log_bytes=600,
    status_item_small=(1, 1_000),
    status_item_large=(11, 2_000),
    rows_a_second=2_000,
)


class Prices(unittest.TestCase):
    def test_are_exact(self):
        self.assertEqual(PRICES["dynamodb_write"].of(3), Fraction(1875, 1_000_000_000))
        self.assertEqual(PRICES["lambda_gb_second"].of(Fraction(1, 2)), Fraction(66667, 10_000_000_000))

    def test_each_price_is_used_and_has_a_source(self):
        inputs = Inputs()
        bills = [
            model.files_bill(inputs, MEASURED),
            model.kept_bill(inputs, MEASURED),
            payments.payments_bill(inputs),
            payments.fixed_bill(inputs),
        ]
        used = {line.price for bill in bills for line in bill.lines}
        self.assertEqual(used, set(PRICES))
        for name, price in PRICES.items():
            self.assertTrue(price.source and Fraction(price.dollars) > 0, name)


class Rounding(unittest.TestCase):
    def test_rounds_to_cents(self):
        for amount, expected in [("0.004999", "0.00"), ("0.005", "0.01"), ("1234.565", "1,234.57"), ("2", "2.00")]:
            self.assertEqual(cost.dollars(Fraction(amount)), expected)

    def test_rounds_units_up(self):
        sizes = [(1, 1), (1024, 1), (1025, 2), (0, 1)]
        self.assertEqual([model.units(size, 1024) for size, _ in sizes], [expected for _, expected in sizes])

    def test_rounds_time_up(self):
        bill = Bill(Fraction(1))
        model.add_function(bill, "f", Fraction("10.1"), Fraction(1, 2))
        self.assertEqual(bill.lines[1].quantity, Fraction(11, 2000))
        model.add_execution(bill, Fraction("100.5"), 0, False)
        time = next(line for line in bill.lines if line.price == "express_gb_second")
        self.assertEqual(time.quantity, Fraction(2, 10) * Fraction(1, 16))


class Files(unittest.TestCase):
    def test_rows_and_their_index_are_the_minimum(self):
        inputs = Inputs(files_a_day=10_000, rows_a_file=1_000)
        # 300,000,000 rows, two writes each, at 0.625 dollars a million.
        self.assertEqual(model.minimum_dollars(inputs), 375)
        lines = [line for line in model.files_bill(inputs, MEASURED).lines if line.what == "rows and their index"]
        self.assertEqual(sum(line.dollars for line in lines), 375)

    def test_twice_the_files_cost_twice_except_traces(self):
        one, two = (model.files_bill(Inputs(files_a_day=files), MEASURED) for files in (10, 20))
        self.assertEqual(2 * one.dollars(), two.dollars())
        many, more = (model.files_bill(Inputs(files_a_day=files), MEASURED) for files in (10**6, 2 * 10**6))
        self.assertLess(more.dollars("X-Ray"), 2 * many.dollars("X-Ray"))
        self.assertEqual(more.dollars() - more.dollars("X-Ray"), 2 * (many.dollars() - many.dollars("X-Ray")))

    def test_ranges_are_those_of_the_domain(self):
        most = model.limit("FILE_RANGES_MAX")
        least = model.limit("RANGE_ROWS_MIN")
        self.assertEqual([model.ranges_of(rows) for rows in (1, least, least + 1)], [1, 1, 2])
        self.assertEqual(model.ranges_of(most * least), most)
        self.assertLessEqual(model.ranges_of(most * least + 1), most)

    def test_counts_failed_transitions_of_ranges(self):
        # Sizes of 1,000, 1,000, 1,130, 1,260, 1,390 and 1,520 bytes: 1 or 2 writes each, 1 for each index, and 1 to
        # leave one.
        self.assertEqual(model.status_writes(MEASURED, 1), 1 + 1 + 2 + 2 + 2 + 2 + 3 + 1)
        ranges = model.limit("FILE_RANGES_MAX")
        flat = replace(MEASURED, status_item_large=(11, 1_000))
        more = model.status_writes(flat, ranges) - model.status_writes(flat, 1)
        self.assertEqual(more, (ranges - 1) * 2)
        # 100 bytes for each further range.
        self.assertEqual(model.status_bytes(MEASURED, 5, 6), 1_000 + 4 * 100 + 4 * 130)

    def test_interpolates_the_time_of_an_upload(self):
        inputs = [Inputs(rows_a_file=rows, row_bytes=100) for rows in (800, 10_000, 5_400)]
        times = [model.upload_milliseconds(one, MEASURED) for one in inputs]
        self.assertEqual(times, [40, 60, 50])

    def test_stored_months_add_up(self):
        one, three = (model.kept_bill(Inputs(months_kept=months), MEASURED).dollars() for months in (1, 3))
        self.assertEqual(3 * one, three)


class Traces(unittest.TestCase):
    def test_traces_one_a_second_and_a_twentieth_of_the_rest(self):
        self.assertEqual(model.traced_share(86_400), 1)
        self.assertEqual(model.traced_share(86_400 * 21), Fraction(2, 21))


class Template(unittest.TestCase):
    def test_counts_the_metrics_of_alarms(self):
        template = (
            "  OneAlarm:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n      MetricName: A\n"
            "  RateAlarm:\n    Type: AWS::CloudWatch::Alarm\n    Properties:\n"
            "          MetricName: B\n          MetricName: C\n"
            "  Other:\n    Type: AWS::Logs::MetricFilter\n        MetricName: D\n"
        )
        self.assertEqual(payments.alarm_metrics(template), 3)

    def test_finds_each_type_of_resource_with_a_fixed_cost(self):
        template = (ROOT / "template.yaml").read_text()
        for kind in (*payments.FIXED, "AWS::CloudWatch::Alarm"):
            self.assertTrue(payments.resources(template, kind), kind)

    def test_memory_of_functions_is_that_of_the_template(self):
        template = (ROOT / "template.yaml").read_text()
        self.assertIn("    MemorySize: 512\n", template[: template.index("\nResources:")])
        webhook = payments.resources(template, "AWS::Serverless::Function")
        larger = [block.split(":")[0] for block in webhook if "MemorySize: " in block]
        self.assertEqual(larger, ["WebhookValidatorFunction"])

    def test_indexes_are_those_of_the_template(self):
        template = (ROOT / "template.yaml").read_text()
        tables = payments.resources(template, "AWS::DynamoDB::Table")
        tables = {block.split(":")[0]: block.count("IndexName: ") for block in tables}
        self.assertEqual(tables["PaymentsTable"], payments.INDEXES)
        self.assertEqual((tables["TransactionsTable"], tables["ProcessingStatusTable"]), (1, model.STATUS_INDEXES))


class Latest(unittest.TestCase):
    def setUp(self):
        def row(name, rows, milliseconds, item):
            calls = json.loads((ROOT / "bench/calls.json").read_text())["upload"]
            times = {"core_percent": 29, "p50_microseconds": milliseconds * 1000}
            return {"file": name, "rows": rows, "log_bytes": 700, "status_item_bytes": item, "calls": calls, **times}

        other = {**row("1 MB", 1, 1, 1), "core_percent": 100}
        small, large = row("80 KB", 1_000, 35, 900), row("4 MB", 53_000, 180, 2_500)
        self.latency = {"data": [small, row("1 MB", 13_000, 70, 900), large, other]}
        ours = {"importer": "data-transformer", "table": "14 ms", "core_percent": 29, "rows_per_second": 3_000}
        others = [{**ours, "core_percent": 100}, {**ours, "table": "6 ms"}, {**ours, "importer": "boto3 batch_writer"}]
        self.rows = {"data": {"measured": [*({**one, "rows_per_second": 1} for one in others), ours]}}

    def test_uses_the_figures_at_the_share_of_the_functions(self):
        measured = cost.latest(MEASURED, self.latency, self.rows)
        self.assertEqual((measured.upload_small, measured.upload_large), ((80_000, 35), (1_000_000, 70)))
        self.assertEqual(measured.rows_a_second, 3_000)
        self.assertEqual(measured.status_item_small, (1, 900))
        self.assertEqual(measured.status_item_large, (model.ranges_of(53_000), 2_500))

    def test_rejects_other_calls_than_the_model_counts(self):
        large = self.latency["data"][2]
        large["calls"] = {"dynamodb:UpdateItem": 4, "s3:PUT": 1}
        with self.assertRaisesRegex(cost.Deviation, "4 MB"):
            cost.latest(MEASURED, self.latency, self.rows)


class Table(unittest.TestCase):
    def test_columns_add_up(self):
        part = cost.result(Inputs(), MEASURED, (10_000, 100_000))
        amounts = [[Fraction(cell.replace(",", "")) for cell in row[1:]] for row in part["rows"][:-3]]
        for column in range(4):
            parts, total = sum(row[column] for row in amounts[:-1]), amounts[-1][column]
            self.assertLess(abs(parts - total), Fraction(len(amounts), 200))
        self.assertEqual(part["rows"][-3][2:4], ["375.00", "3,750.00"])

    def test_the_document_is_up_to_date(self):
        part = cost.result(Inputs(), cost.MEASURED, cost.FILES_A_DAY)
        again = "update it: python3 -m cost --publish"
        text = cost.DOCUMENT.read_text()
        self.assertEqual(cost.document(text, part), text, again)
        self.assertEqual(cost.drawing(part, Inputs()), cost.PICTURE.read_text(), again)

    def test_the_picture_has_a_bar_for_each_scale_and_the_minimum(self):
        part = cost.result(Inputs(), MEASURED, (10_000, 100_000))
        drawn = cost.drawing(part, Inputs())
        for text in ("10,000 files a day", "100,000 files a day", "minimum: rows and index", "1.25 $"):
            self.assertIn(text, drawn)


if __name__ == "__main__":
    unittest.main()
