use std::fmt;
use std::time::Duration;

use deltaic_log::{Context, Error, ErrorKind, Result};
use futures::future::{BoxFuture, FutureExt};
use object_store::aws::AwsCredentialProvider;
use object_store::client::HttpClient;
use serde_json::{Map, Value, json};

use super::answer::Failure;
use super::entry::{COMPLETE, EXPIRE_TIME, FILE_NAME, TABLE_PATH, TEMP_PATH};
use super::{LockEntry, LockTable, request};
use crate::committer::PutOutcome;
use crate::retry::RetryPolicy;

/// Which lock table, and where.
///
/// ```
/// use deltaic_commit::committer::dynamodb::DynamoDbOptions;
/// let options = DynamoDbOptions::new("eu-west-1");
/// assert_eq!(options.table_name, "delta_log");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DynamoDbOptions {
    /// The lock table's name. Every writer of a Delta table must use the same lock table, in the same region.
    pub table_name: String,
    /// The region.
    pub region: String,
    /// The address, where it is not the region's own.
    pub endpoint: Option<String>,
    /// Whether the lock table is made where there is none, and how it is paid for then.
    pub create_table: Option<BillingMode>,
    /// How long a call is tried again that DynamoDB has no capacity for.
    pub retry_timeout: Duration,
}

/// How a lock table is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BillingMode {
    /// By request.
    #[default]
    PayPerRequest,
    /// By a capacity of five reads and five writes a second.
    Provisioned,
}

impl DynamoDbOptions {
    /// The table `delta_log` in that region, which is expected to be there.
    pub fn new(region: impl Into<String>) -> Self {
        Self {
            table_name: "delta_log".to_owned(),
            region: region.into(),
            endpoint: None,
            create_table: None,
            retry_timeout: Duration::from_secs(60),
        }
    }
}

/// A lock table in DynamoDB, asked over HTTP with signed calls.
///
/// What it needs: `dynamodb:GetItem`, `Query`, `PutItem`, `UpdateItem` on the table; to make one, `CreateTable` and
/// `DescribeTable`. A time to live on `expireTime` is not switched on by this: without it the table keeps an item for each commit.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// # use std::sync::Arc;
/// # use deltaic_log::{Context, SingleStore};
/// use deltaic_commit::committer::dynamodb::{DynamoDbOptions, DynamoDbTable, LockTable};
/// use object_store::aws::AwsCredential;
/// use object_store::client::{HttpConnector, ReqwestConnector};
/// # let context = Context::new(Arc::new(SingleStore::new(Arc::new(object_store::memory::InMemory::new()))));
/// let keys = AwsCredential { key_id: "id".into(), secret_key: "secret".into(), token: None };
/// let credentials = Arc::new(object_store::StaticCredentialProvider::new(keys));
/// let http = ReqwestConnector::default().connect(&Default::default())?;
/// let table = DynamoDbTable::new(DynamoDbOptions::new("eu-west-1"), credentials, http, context)?;
/// println!("{:?}", table.latest("s3a://bucket/sales").await?);
/// # Ok(()) }
/// ```
pub struct DynamoDbTable {
    options: DynamoDbOptions,
    endpoint: String,
    credentials: AwsCredentialProvider,
    http: HttpClient,
    context: Context,
}

impl fmt::Debug for DynamoDbTable {
    /// Without the endpoint, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, region) = (&self.options.table_name, &self.options.region);
        f.debug_struct("DynamoDbTable").field("name", name).field("region", region).finish_non_exhaustive()
    }
}

/// Whether a call may be made again when nobody knows whether it was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repeat {
    Always,
    /// Only where it certainly was not.
    IfNotDone,
}

impl DynamoDbTable {
    /// A lock table. Its calls are signed with `credentials` and the machine's time, and wait by the context's clock.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] where the endpoint is no address.
    pub fn new(
        options: DynamoDbOptions,
        credentials: AwsCredentialProvider,
        http: HttpClient,
        context: Context,
    ) -> Result<Self> {
        let endpoint = match &options.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => region_endpoint(&options.region),
        };
        let is_address = endpoint.starts_with("https://") || endpoint.starts_with("http://");
        if !is_address || url::Url::parse(&endpoint).is_err() {
            let message = "the lock table's endpoint is no address such as `https://host`: correct it";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        Ok(Self { options, endpoint, credentials, http, context })
    }

    /// Makes the lock table, and waits until it can be used. One that is there stays as it is.
    ///
    /// # Errors
    /// [`ErrorKind::Storage`] where DynamoDB refuses, or takes longer than the options allow.
    pub async fn create_table(&self, billing: BillingMode) -> Result<()> {
        tracing::info!(table = self.options.table_name, region = self.options.region, "making the lock table");
        match self.call_once_made("CreateTable", &self.definition(billing), Repeat::Always).await {
            Ok(_) | Err(Failure::TableExists) => {}
            Err(failure) => return Err(self.error(failure)),
        }
        let begin = self.context.clock.now();
        loop {
            let described = self.call_once_made("DescribeTable", &self.call_body(json!({})), Repeat::Always).await;
            let status = match &described {
                Ok(answer) => answer.get("Table").and_then(|table| table.get("TableStatus")).and_then(Value::as_str),
                // It takes a moment until a new table is known.
                Err(Failure::TableMissing) => None,
                Err(_) => return described.map(drop).map_err(|failure| self.error(failure)),
            };
            if status == Some("ACTIVE") {
                return Ok(());
            }
            if self.is_over(begin) {
                let message = "the lock table was made, but DynamoDB does not offer it yet: try again later";
                return Err(Error::new(ErrorKind::Storage, message).with("lock_table", &self.options.table_name));
            }
            self.context.clock.sleep(Duration::from_secs(1)).await;
        }
    }

    fn definition(&self, billing: BillingMode) -> Value {
        let mut body = self.call_body(json!({
            "AttributeDefinitions": [
                {"AttributeName": TABLE_PATH, "AttributeType": "S"},
                {"AttributeName": FILE_NAME, "AttributeType": "S"},
            ],
            "KeySchema": [
                {"AttributeName": TABLE_PATH, "KeyType": "HASH"},
                {"AttributeName": FILE_NAME, "KeyType": "RANGE"},
            ],
        }));
        match billing {
            BillingMode::PayPerRequest => body["BillingMode"] = json!("PAY_PER_REQUEST"),
            BillingMode::Provisioned => {
                body["BillingMode"] = json!("PROVISIONED");
                body["ProvisionedThroughput"] = json!({"ReadCapacityUnits": 5, "WriteCapacityUnits": 5});
            }
        }
        body
    }

    /// `fields`, and the table's name.
    fn call_body(&self, mut fields: Value) -> Value {
        fields["TableName"] = json!(self.options.table_name);
        fields
    }

    /// Calls; makes the lock table first, where there is none and the options ask for one.
    async fn call(&self, operation: &str, body: &Value, repeat: Repeat) -> Result<Map<String, Value>, Failure> {
        match (self.call_once_made(operation, body, repeat).await, self.options.create_table) {
            (Err(Failure::TableMissing), Some(billing)) => {
                self.create_table(billing).await.map_err(Failure::Refused)?;
                self.call_once_made(operation, body, repeat).await
            }
            (answer, _) => answer,
        }
    }

    async fn call_once_made(
        &self,
        operation: &str,
        body: &Value,
        repeat: Repeat,
    ) -> Result<Map<String, Value>, Failure> {
        let begin = self.context.clock.now();
        let pauses = RetryPolicy { delay_min: Duration::from_millis(25), ..RetryPolicy::default() };
        let mut failures = 1;
        loop {
            let failure = match self.try_call(operation, body).await {
                Err(Failure::Unanswered(error)) if repeat == Repeat::Always => Failure::Unanswered(error),
                Err(Failure::Busy(error)) => Failure::Busy(error),
                answer => return answer,
            };
            if self.is_over(begin) {
                return Err(failure);
            }
            failures += 1;
            tracing::debug!(operation, failures, ?failure, "calling DynamoDB again");
            pauses.pause(failures, &self.context).await;
        }
    }

    async fn try_call(&self, operation: &str, body: &Value) -> Result<Map<String, Value>, Failure> {
        let credential = self.credentials.get_credential().await.map_err(|error| {
            let message = "there are no credentials for the lock table: give them as options or in the environment";
            Failure::Refused(Error::new(ErrorKind::Storage, message).because(error))
        })?;
        let signed = request::signed(&self.endpoint, &self.options.region, operation, body, &credential);
        request::send(&self.http, signed.map_err(Failure::Refused)?).await
    }

    fn is_over(&self, begin: deltaic_log::TimestampMs) -> bool {
        let passed_ms = self.context.clock.now().0.saturating_sub(begin.0);
        u128::try_from(passed_ms).is_ok_and(|passed_ms| passed_ms >= self.options.retry_timeout.as_millis())
    }

    fn error(&self, failure: Failure) -> Error {
        let error = match failure {
            Failure::TableMissing => {
                let message = "there is no such lock table in that region: make one with the hash key `tablePath` and the \
                               range key `fileName`, both strings, or have it made with the option \
                               `delta_dynamo_create_table=true`; or name another with `delta_dynamo_table_name`, or \
                               another region with `aws_region_dynamodb`";
                Error::new(ErrorKind::Storage, message)
            }
            Failure::Busy(error) | Failure::Refused(error) | Failure::Unanswered(error) => error,
            Failure::ConditionFailed | Failure::TableExists => {
                Error::new(ErrorKind::Storage, "DynamoDB gave an answer that does not fit the call")
            }
        };
        error.with("lock_table", &self.options.table_name).with("region", &self.options.region)
    }
}

fn region_endpoint(region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("https://dynamodb.{region}.{domain}")
}

impl LockTable for DynamoDbTable {
    fn entry<'a>(&'a self, table_path: &'a str, file_name: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>> {
        async move {
            let body = self.call_body(json!({"Key": LockEntry::key(table_path, file_name), "ConsistentRead": true}));
            let answer = self.call("GetItem", &body, Repeat::Always).await.map_err(|failure| self.error(failure))?;
            match answer.get("Item") {
                Some(Value::Object(item)) if !item.is_empty() => LockEntry::decode(item).map(Some),
                _ => Ok(None),
            }
        }
        .boxed()
    }

    fn latest<'a>(&'a self, table_path: &'a str) -> BoxFuture<'a, Result<Option<LockEntry>>> {
        async move {
            let body = self.call_body(json!({
                "KeyConditionExpression": format!("{TABLE_PATH} = :t"),
                "ExpressionAttributeValues": {":t": {"S": table_path}},
                "ScanIndexForward": false,
                "Limit": 1,
                "ConsistentRead": true,
            }));
            let answer = self.call("Query", &body, Repeat::Always).await.map_err(|failure| self.error(failure))?;
            match answer.get("Items").and_then(|items| items.get(0)) {
                Some(Value::Object(item)) => LockEntry::decode(item).map(Some),
                _ => Ok(None),
            }
        }
        .boxed()
    }

    fn create<'a>(&'a self, entry: &'a LockEntry) -> BoxFuture<'a, PutOutcome> {
        async move {
            let condition = format!("attribute_not_exists({FILE_NAME})");
            let body = self.call_body(json!({"Item": entry.encode(), "ConditionExpression": condition}));
            match self.call("PutItem", &body, Repeat::IfNotDone).await {
                Ok(_) => PutOutcome::Committed,
                Err(Failure::ConditionFailed) => PutOutcome::Conflict,
                Err(failure @ Failure::Unanswered(_)) => PutOutcome::Ambiguous(self.error(failure)),
                Err(failure) => PutOutcome::Refused(self.error(failure)),
            }
        }
        .boxed()
    }

    fn complete<'a>(&'a self, entry: &'a LockEntry, expire_time_s: i64) -> BoxFuture<'a, Result<()>> {
        async move {
            let body = self.call_body(json!({
                "Key": LockEntry::key(&entry.table_path, &entry.file_name),
                "UpdateExpression": format!("SET {COMPLETE} = :true, {EXPIRE_TIME} = :expire"),
                "ConditionExpression": format!("{TEMP_PATH} = :temp AND {COMPLETE} = :false"),
                "ExpressionAttributeValues": {
                    ":true": {"S": "true"},
                    ":false": {"S": "false"},
                    ":temp": {"S": entry.temp_path},
                    ":expire": {"N": expire_time_s.to_string()},
                },
            }));
            match self.call("UpdateItem", &body, Repeat::Always).await {
                Ok(_) | Err(Failure::ConditionFailed) => Ok(()),
                Err(failure) => Err(self.error(failure)),
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
