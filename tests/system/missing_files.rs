//! Files that a partner's schedule expects and that do not arrive: the messages, the log line, the daily report.

use crate::support::cloud::{Cloud, eventually, now_ms};
use crate::support::files::{self, record};
use crate::support::template::{arn_of, template};
use crate::system::days::{day_of, of_partner};
use crate::system::logs;
use domain::{Day, Schedules, Timestamp};
use serde_json::{Value, json};

/// The schedules of the stacks that the tests use, by `local/run.py`.
const EXPECTED_OF_LATE_BANK: u64 = 2;

async fn report(cloud: &Cloud, day: &str) -> Result<Value, Value> {
    cloud.invoke("notification-sender", &json!({"step": "report_missing", "day": day})).await
}

#[tokio::test]
async fn a_missing_file_has_the_same_message_in_every_report() {
    let cloud = Cloud::open().await;
    let late = cloud.partner_named("late-bank", &cloud.stack.usage_plan_id).await;
    let early = cloud.partner_named("early-bank", &cloud.stack.usage_plan_id).await;
    let subscriber = cloud.subscribe(json!({"partner": ["late-bank", "early-bank"], "status": ["file_missing"]})).await;
    let (on_time, _) = early.upload_and_complete(&files::file(&[record("T1")])).await;
    let day = day_of(&cloud, on_time.text("file_id")).await;
    // A rejected file does not count as the expected one.
    assert_eq!(late.upload(&files::file(&[record("T1").replace("USD", "usd")])).await.status, 400);
    let expected = async || {
        let seen = late.day(&day).await.accepted().body;
        let counted = of_partner(&seen, "late-bank").clone();
        (counted["expected"].as_u64().unwrap(), counted["missing"].as_u64().unwrap())
    };
    assert_eq!(expected().await, (EXPECTED_OF_LATE_BANK, 2));
    report(&cloud, &day).await.unwrap();
    let mut first: Vec<Value> = vec![subscriber.next_of_day(&day).await, subscriber.next_of_day(&day).await];
    first.sort_by_key(|message| message["notification_id"].to_string());
    for (number, message) in (1..).zip(&first) {
        let reported = json!({
            "notification_id": format!("late-bank-{day}-file_missing-{number}"), "status": "file_missing",
            "partner": "late-bank", "day": day, "expected": 2, "arrived": 0, "timestamp": message["timestamp"],
            "environment": cloud.stack.suffix,
        });
        assert_eq!(*message, reported);
        assert!(Timestamp::parse(message["timestamp"].as_str().unwrap().as_bytes()).is_ok(), "{message}");
    }

    late.upload_and_complete(&files::file(&[record("T2")])).await;
    assert_eq!(expected().await, (EXPECTED_OF_LATE_BANK, 1));
    for _ in 0..2 {
        report(&cloud, &day).await.unwrap();
        let again = subscriber.next_of_day(&day).await;
        assert_eq!((&again["notification_id"], &again["arrived"]), (&first[1]["notification_id"], &json!(1)));
    }
    late.upload_and_complete(&files::file(&[record("T3")])).await;
    assert_eq!(expected().await, (EXPECTED_OF_LATE_BANK, 0));
    report(&cloud, &day).await.unwrap();
    let more = subscriber.all().await;
    assert!(more.iter().all(|reported| reported.message["day"] != day.as_str()), "all files were received: {more:?}");
}

#[tokio::test]
async fn reports_the_previous_day_and_logs_a_line_for_the_alarm() {
    let cloud = Cloud::open().await;
    let subscriber = cloud.subscribe(json!({"partner": ["silent-bank"]})).await;
    let input = template()["Resources"]["MorningRule"]["Properties"]["Targets"][0]["Input"].clone();
    let input: Value = serde_json::from_str(input.as_str().unwrap()).unwrap();
    assert_eq!(input, json!({"step": "report_missing"}));
    let before = Day::of(Timestamp::from_unix_milliseconds(now_ms())).before().to_string();
    let reported = cloud.invoke("notification-sender", &input).await.unwrap();
    let after = Day::of(Timestamp::from_unix_milliseconds(now_ms())).before().to_string();
    let day = reported["day"].as_str().unwrap();
    assert!(day == before || day == after, "{reported}");
    assert!(reported["missing"].as_u64().unwrap() >= 3, "{reported}");
    let message = subscriber.next_of_day(day).await;
    assert_eq!(message["status"], "file_missing");
    let id = message["notification_id"].as_str().unwrap();
    let line = eventually("the line of the missing file", async || {
        let lines = logs::lines_of(&cloud, "notification-sender").await;
        lines.into_iter().find(|line| line.contains(id))
    })
    .await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["event"], &line["level"]), (&json!("file_missing"), &json!("ERROR")), "{line}");
    assert_eq!((&line["partner"], line["day"].as_str()), (&json!("silent-bank"), Some(day)), "{line}");
}

#[tokio::test]
async fn an_unreadable_schedule_is_reported() {
    // On a stack whose functions for files nobody else calls.
    let cloud = Cloud::of_stack("archive").await;
    let operator = cloud.operator().await;
    let schedules = "silent-bank:daily,acme:dayly";
    cloud.set_variable("notification-sender", "PARTNER_SCHEDULES", schedules).await;
    cloud.set_variable("csv-validator", "PARTNER_SCHEDULES", schedules).await;
    let subscriber = cloud.subscribe(json!({"partner": ["silent-bank"]})).await;
    let error = report(&cloud, "2002-02-02").await.unwrap_err();
    assert_eq!(error["errorType"], "InvalidInput", "{error}");
    assert!(error["errorMessage"].as_str().unwrap().contains("acme:dayly"), "{error}");
    assert_eq!(subscriber.next().await.message["notification_id"], "silent-bank-2002-02-02-file_missing-1");
    let seen = operator.day("2002-02-02").await.accepted().body;
    assert_eq!(seen["schedule_errors"], json!(["acme:dayly"]), "{seen}");
    assert_eq!(of_partner(&seen, "silent-bank")["missing"], 1, "{seen}");
    let bank = cloud.partner().await;
    let seen = bank.day("2002-02-02").await.accepted().body;
    assert!(seen.get("schedule_errors").is_none(), "it is for operators: {seen}");
}

#[tokio::test]
async fn rejects_an_invalid_day() {
    let cloud = Cloud::open().await;
    assert_eq!(report(&cloud, "yesterday").await.unwrap_err()["errorType"], "InvalidInput");
}

#[test]
fn the_daily_report_has_its_own_rule_and_keeps_failures() {
    let template = template();
    let rule = &template["Resources"]["MorningRule"]["Properties"];
    assert_eq!((&rule["ScheduleExpression"], &rule["State"]), (&json!("cron(0 6 * * ? *)"), &json!("ENABLED")));
    let target = &rule["Targets"][0];
    assert_eq!(target["Arn"], arn_of("NotificationSenderFunction"));
    assert_eq!(target["DeadLetterConfig"]["Arn"], arn_of("DeadLetterQueue"));
    let policy = &template["Resources"]["DeadLetterQueuePolicy"]["Properties"]["PolicyDocument"]["Statement"][0];
    let sources = &policy["Condition"]["ArnEquals"]["aws:SourceArn"];
    assert_eq!(*sources, json!([arn_of("FileArrivalRule"), arn_of("MorningRule"), arn_of("HourlyRule")]));
    let metric = &template["Resources"]["FilesMissingMetric"]["Properties"];
    let alarm = &template["Resources"]["MissingFilesAlarm"]["Properties"];
    let transformation = &metric["MetricTransformations"][0];
    assert_eq!(alarm["MetricName"], transformation["MetricName"]);
    assert_eq!(alarm["Namespace"], transformation["MetricNamespace"]);
    assert_eq!(metric["LogGroupName"], json!({"Ref": "NotificationSenderLogGroup"}));
}

/// Every schedule that the deployment accepts can be read, except for unknown names; every schedule that it rejects
/// cannot, except for blanks and empty parts, which do no harm.
#[test]
fn a_deployment_rejects_an_unreadable_schedule() {
    let template = template();
    let pattern = template["Parameters"]["PartnerSchedules"]["AllowedPattern"].as_str().unwrap();
    let pattern = regex_lite::Regex::new(pattern).unwrap();
    for good in [
        "",
        "acme:daily",
        "acme:mon-fri,globex:daily*2,initech:mon+thu",
        "a:mon-wed+fri-sun*24",
        "key-0123456789abcdef:sat",
        "acme:mon,acme:tue*2",
        "acme:fri-mon*9",
    ] {
        assert!(pattern.is_match(good), "{good}");
        assert!(Schedules::read(good).errors().is_empty(), "{good}");
    }
    for bad in [
        "acme",
        "acme:",
        "acme=daily",
        "acme:dayly",
        "acme:daily*0",
        "acme:daily*25",
        "acme:daily*02",
        "acme:mon-fri-sun",
        "Acme:mon",
        "acme:daily+mon",
        "-a:mon",
        "acme:mon-",
        "acme:mon;globex:tue",
        "acme:mon*",
        "acme:daily*1*2",
    ] {
        assert!(!pattern.is_match(bad), "{bad}");
        assert_eq!(Schedules::read(bad).errors(), [bad]);
    }
}
