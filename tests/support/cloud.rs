//! The local cloud: one of its stacks, clients of its services, and what a test creates there and must remove.

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_lambda::types::{Environment, LastUpdateStatus};
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long a test waits for an expected event. The slowest one, the workflow's retries, takes a fifth of this.
const PATIENCE: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
const CALL_SECONDS_MAX: u64 = 60;

/// One deployed stack, as the file of `ACCEPTANCE_STACKS` describes it.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) api_url: String,
    pub(crate) bucket: String,
    pub(crate) status_table: String,
    pub(crate) transactions_table: String,
    pub(crate) topic_arn: String,
    pub(crate) dead_letter_queue_url: String,
    pub(crate) state_machine_arn: String,
    /// The suffix of every name in the stack.
    pub(crate) suffix: String,
    pub(crate) api_id: String,
    pub(crate) usage_plan_id: String,
    /// The partner that may put files straight into the bucket.
    pub(crate) bucket_partners: [String; 2],
    /// The keys that the deployment made.
    pub(crate) api_keys: [String; 2],
    /// The address for webhooks.
    pub(crate) webhook_url: String,
    /// Two providers, each with its name and its secret.
    pub(crate) provider: [String; 2],
    pub(crate) other_provider: [String; 2],
    pub(crate) webhook_table: String,
    pub(crate) webhook_state_machine_arn: String,
    pub(crate) webhook_dead_letter_queue_url: String,
    pub(crate) event_bus: String,
    pub(crate) alerts_topic_arn: String,
    pub(crate) audit_bucket: String,
    pub(crate) archival_function: String,
    /// The log file of the emulator itself.
    pub(crate) log_file: PathBuf,
    /// The library that gives functions clocks of their own (`local/clocks.py`); none where it does not work.
    pub(crate) clock_shim: Option<String>,
    access_key_id: String,
    secret_access_key: String,
}

impl Stack {
    fn named(name: &str) -> Self {
        let file = std::env::var("ACCEPTANCE_STACKS")
            .expect("ACCEPTANCE_STACKS is not set. These tests need the local cloud: run `make test`");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}. Run `make test`"));
        let description: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        let stack = &description["stacks"][name];
        assert!(stack.is_object(), "{file} has no stack {name}: run `make test`");
        let field = |name: &str| {
            stack[name].as_str().unwrap_or_else(|| panic!("{file}: a stack has no text named {name}")).to_owned()
        };
        Self {
            endpoint: field("endpoint"),
            region: field("region"),
            api_url: field("api_url"),
            bucket: field("bucket"),
            status_table: field("status_table"),
            transactions_table: field("transactions_table"),
            topic_arn: field("topic_arn"),
            dead_letter_queue_url: field("dlq_url"),
            state_machine_arn: field("state_machine_arn"),
            suffix: field("suffix"),
            api_id: field("rest_api_id"),
            usage_plan_id: field("usage_plan_id"),
            bucket_partners: [field("partner"), field("partner_2")],
            api_keys: [field("api_key"), field("api_key_2")],
            webhook_url: field("webhook_url"),
            provider: [field("webhook_provider"), field("webhook_secret")],
            other_provider: [field("webhook_provider_2"), field("webhook_secret_2")],
            webhook_table: field("webhook_table"),
            webhook_state_machine_arn: field("webhook_state_machine_arn"),
            webhook_dead_letter_queue_url: field("webhook_dlq_url"),
            event_bus: field("event_bus"),
            alerts_topic_arn: field("alerts_topic_arn"),
            audit_bucket: field("audit_bucket"),
            archival_function: field("archival_function"),
            log_file: PathBuf::from(description["log_file"].as_str().unwrap()),
            clock_shim: description["clock_shim"].as_str().map(str::to_owned),
            access_key_id: field("access_key_id"),
            secret_access_key: field("secret_access_key"),
        }
    }

    /// The name of one of its functions.
    pub(crate) fn function(&self, name: &str) -> String {
        format!("{name}-{}", self.suffix)
    }

    async fn sdk(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder().operation_timeout(Duration::from_secs(CALL_SECONDS_MAX)).build();
        aws_config::defaults(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.endpoint)
            .credentials_provider(Credentials::new(
                &self.access_key_id,
                &self.secret_access_key,
                None,
                None,
                "acceptance",
            ))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            // A second try would hide the result of the first one.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts)
            .load()
            .await
    }
}

/// A change of a test that the end of the test undoes.
#[derive(Debug)]
pub(crate) enum Created {
    ApiKey {
        id: String,
    },
    UsagePlan {
        id: String,
    },
    Queue {
        url: String,
    },
    Subscription {
        arn: String,
    },
    /// A rule of a bus, with its only target, "listener".
    Rule {
        name: String,
        bus: String,
    },
    /// A disabled rule of a bus.
    DisabledRule {
        rule: String,
        bus: String,
    },
    /// The environment that a function had before.
    Environment {
        function: String,
        before: HashMap<String, String>,
    },
}

/// One stack and the clients of its services. Each test opens its own.
pub(crate) struct Cloud {
    pub(crate) stack: Stack,
    pub(crate) http: reqwest::Client,
    sdk: SdkConfig,
    created: Mutex<Vec<Created>>,
}

impl Cloud {
    /// The stack that most tests use.
    pub(crate) async fn open() -> Self {
        Self::of_stack("main").await
    }

    /// The stack of this name.
    pub(crate) async fn of_stack(name: &str) -> Self {
        let stack = Stack::named(name);
        let http = reqwest::Client::builder().timeout(Duration::from_secs(CALL_SECONDS_MAX)).build().unwrap();
        Self { sdk: stack.sdk().await, stack, http, created: Mutex::default() }
    }

    pub(crate) fn api_gateway(&self) -> aws_sdk_apigateway::Client {
        aws_sdk_apigateway::Client::new(&self.sdk)
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.sdk)
    }

    pub(crate) fn events(&self) -> aws_sdk_eventbridge::Client {
        aws_sdk_eventbridge::Client::new(&self.sdk)
    }

    pub(crate) fn iam(&self) -> aws_sdk_iam::Client {
        aws_sdk_iam::Client::new(&self.sdk)
    }

    pub(crate) fn lambda(&self) -> aws_sdk_lambda::Client {
        aws_sdk_lambda::Client::new(&self.sdk)
    }

    pub(crate) fn logs(&self) -> aws_sdk_cloudwatchlogs::Client {
        aws_sdk_cloudwatchlogs::Client::new(&self.sdk)
    }

    pub(crate) fn s3(&self) -> aws_sdk_s3::Client {
        let path_style = aws_sdk_s3::config::Builder::from(&self.sdk).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(path_style)
    }

    pub(crate) fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        aws_sdk_secretsmanager::Client::new(&self.sdk)
    }

    pub(crate) fn sns(&self) -> aws_sdk_sns::Client {
        aws_sdk_sns::Client::new(&self.sdk)
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }

    pub(crate) fn step_functions(&self) -> aws_sdk_sfn::Client {
        aws_sdk_sfn::Client::new(&self.sdk)
    }

    /// Registers a change that is undone when the test ends, however it ends.
    pub(crate) fn remove_at_end(&self, created: Created) {
        self.created.lock().unwrap().push(created);
    }

    /// Sets a variable of a function until the test ends.
    pub(crate) async fn set_variable(&self, function: &str, name: &str, value: &str) {
        let function = self.stack.function(function);
        let now = self.lambda().get_function_configuration().function_name(&function).send().await.unwrap();
        let mut variables = now.environment.unwrap().variables.unwrap();
        let before = variables.clone().into_iter().filter(|(found, _)| found != name).collect();
        variables.insert(name.to_owned(), value.to_owned());
        self.remove_at_end(Created::Environment { function: function.clone(), before });
        let update = self.lambda().update_function_configuration().function_name(&function);
        update.environment(Environment::builder().set_variables(Some(variables)).build()).send().await.unwrap();
        eventually("the function to be updated", async || {
            let now = self.lambda().get_function_configuration().function_name(&function).send().await.unwrap();
            (now.last_update_status == Some(LastUpdateStatus::Successful)).then_some(())
        })
        .await;
    }

    /// Disables a rule of a bus until this is dropped: its events are lost.
    pub(crate) async fn disable_rule(&self, rule: &str, bus: &str) {
        self.remove_at_end(Created::DisabledRule { rule: rule.to_owned(), bus: bus.to_owned() });
        self.events().disable_rule().name(rule).event_bus_name(bus).send().await.unwrap();
    }

    /// Invokes a function of the stack and returns its output, or its error.
    pub(crate) async fn invoke(&self, function: &str, payload: &Value) -> Result<Value, Value> {
        let response = self
            .lambda()
            .invoke()
            .function_name(self.stack.function(function))
            .payload(aws_sdk_lambda::primitives::Blob::new(payload.to_string()))
            .send()
            .await
            .unwrap();
        let payload = response.payload.map(aws_sdk_lambda::primitives::Blob::into_inner).unwrap_or_default();
        let payload = serde_json::from_slice(&payload).unwrap_or(Value::Null);
        if response.function_error.is_some() { Err(payload) } else { Ok(payload) }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let created = std::mem::take(&mut *self.created.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        if created.is_empty() {
            return;
        }
        // The test's own runtime cannot wait here, so the clean-up has a thread and a runtime of its own.
        let stack = self.stack.clone();
        let cleaned = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(remove(&stack, created));
        })
        .join();
        if cleaned.is_err() && !std::thread::panicking() {
            panic!("the test's resources could not be removed");
        }
    }
}

async fn remove(stack: &Stack, created: Vec<Created>) {
    let sdk = stack.sdk().await;
    let (gateway, lambda) = (aws_sdk_apigateway::Client::new(&sdk), aws_sdk_lambda::Client::new(&sdk));
    let (sqs, sns) = (aws_sdk_sqs::Client::new(&sdk), aws_sdk_sns::Client::new(&sdk));
    let events = aws_sdk_eventbridge::Client::new(&sdk);
    for created in created.into_iter().rev() {
        match created {
            Created::ApiKey { id } => drop(gateway.delete_api_key().api_key(id).send().await.unwrap()),
            Created::UsagePlan { id } => drop(gateway.delete_usage_plan().usage_plan_id(id).send().await.unwrap()),
            Created::Queue { url } => drop(sqs.delete_queue().queue_url(url).send().await.unwrap()),
            Created::Subscription { arn } => drop(sns.unsubscribe().subscription_arn(arn).send().await.unwrap()),
            Created::Rule { name, bus } => {
                events.remove_targets().rule(&name).event_bus_name(&bus).ids("listener").send().await.unwrap();
                events.delete_rule().name(&name).event_bus_name(&bus).send().await.unwrap();
            }
            Created::DisabledRule { rule, bus } => {
                drop(events.enable_rule().name(rule).event_bus_name(bus).send().await.unwrap());
            }
            Created::Environment { function, before } => {
                let environment = Environment::builder().set_variables(Some(before)).build();
                let update = lambda.update_function_configuration().function_name(function);
                update.environment(environment).send().await.unwrap();
            }
        }
    }
}

/// Polls until there is a result, and gives up after [`PATIENCE`].
pub(crate) async fn eventually<T>(what: &str, mut poll: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = poll().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {} s without success for {what}", PATIENCE.as_secs());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// A word of lowercase letters and digits that no other test and no other run uses.
pub(crate) fn unique() -> String {
    // Each RandomState has its own random keys, which is enough randomness for a name.
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// The present time in milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}
