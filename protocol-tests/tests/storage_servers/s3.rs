//! Amazon S3, by moto, with its users and roles.

mod lock_table;

use std::path::Path;

use deltaic::{DeltaTable, Error, ErrorKind, StorageOptions};
use deltaic_protocol_tests::row_table::Options;

use crate::server::{request, send};
use crate::{TABLES, absent, check, commits, fixture, options, same, upload};

/// May do nothing but assume roles.
const USER_POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}"#;
/// May do nothing of use.
const NO_POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}}"#;
/// May read and write every bucket.
const ROLE_POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#;
/// May be assumed by anybody.
const TRUST: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}}"#;

const ROLE: &str = "arn:aws:iam::123456789012:role/reader";

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn s3_tables_are_read_as_local_ones() {
    let moto = Moto::start("tables");
    let options = moto.options(&KEYS);
    for scheme in ["s3", "s3a"] {
        check(&format!("{scheme}://tables/{scheme} folder"), &options).await;
    }
    absent("s3://tables/no/such", &options).await;
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn conditional_puts_conform_on_s3() {
    let options = Moto::start("conform").given(&KEYS);
    commits::conform("s3://conform", &options).await;
    commits::requests("s3://conform/counted", &options).await;
}

#[test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
fn processes_append_to_a_table_on_s3() {
    commits::processes("s3://shared/table", &Moto::start("shared").given(&KEYS));
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn a_profile_gives_keys() {
    let (moto, case) = (Moto::start("profiles"), TABLES[0]);
    upload(&fixture(case), "s3://profiles/t", &moto.options(&KEYS)).await;
    let (id, secret) = moto.user("profiled", ROLE_POLICY);
    let files = Files::write("[profile work]\nregion = us-east-1\n", &format!("[work]\n{}", keys(&id, &secret)));
    let _strict = moto.look_at_keys();
    same("s3://profiles/t", case, &moto.options(&files.profile("work"))).await;

    let error = refused("s3://profiles/t", &moto.options(&files.profile("absent"))).await;
    assert!(error.to_string().contains("absent") && error.to_string().contains("aws_profile"), "{error}");
    assert!(!format!("{error} {error:?}").contains(&secret), "{error:?}");
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn a_role_is_assumed_by_option_and_by_profile() {
    let (moto, case) = (Moto::start("roles"), TABLES[0]);
    upload(&fixture(case), "s3://roles/t", &moto.options(&KEYS)).await;
    let (id, secret) = moto.user("assumer", USER_POLICY);
    moto.role("reader");
    let files = Files::write(
        &format!("[profile reader]\nregion = us-east-1\nrole_arn = {ROLE}\nsource_profile = assumer\n"),
        &format!("[assumer]\n{}", keys(&id, &secret)),
    );
    let stranger = moto.user("stranger", NO_POLICY);
    let _strict = moto.look_at_keys();
    let own = [("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret.as_str())];
    let error = refused("s3://roles/t", &moto.options(&own)).await;
    assert!(error.to_string().contains("what they permit"), "{error}");

    let sts = ("AWS_ENDPOINT_URL_STS", moto.address.as_str());
    let by_option = moto.options(&[own[0], own[1], sts, ("AWS_IAM_ROLE_ARN", ROLE)]);
    same("s3://roles/t", case, &by_option).await;
    let [profile, config, credentials] = files.profile("reader");
    let by_profile = moto.options(&[profile, config, credentials, sts]);
    same("s3://roles/t", case, &by_profile).await;

    let (id, secret) = stranger;
    let own = [("AWS_ACCESS_KEY_ID", id.as_str()), ("AWS_SECRET_ACCESS_KEY", secret.as_str())];
    let error = refused("s3://roles/t", &moto.options(&[own[0], own[1], sts, ("AWS_IAM_ROLE_ARN", ROLE)])).await;
    assert!(error.to_string().contains(ROLE) && error.to_string().contains("whether it trusts them"), "{error}");
    assert!(!format!("{error} {error:?}").contains(&secret), "{error:?}");
}

#[tokio::test]
#[ignore = "needs an S3 server: `cargo xtask test` starts one"]
async fn wrong_keys_are_refused_without_showing_them() {
    let moto = Moto::start("locked");
    let (id, secret) = moto.user("owner", ROLE_POLICY);
    let _strict = moto.look_at_keys();
    for (id, wrong) in [("AKIAABSENT", "wr0ng-s3cr3t"), (id.as_str(), "wr0ng-s3cr3t")] {
        let given = [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", wrong)];
        let error = refused("s3://locked/t", &moto.options(&given)).await;
        assert!(error.to_string().contains("check the credentials"), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(wrong) && !shown.contains(&secret), "{shown}");
    }
}

/// Keys that do while moto looks at none.
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test-secret")];

async fn refused(location: &str, options: &StorageOptions) -> Error {
    let error = DeltaTable::open_with(location, options.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Storage, "{error:?}");
    error
}

fn keys(id: &str, secret: &str) -> String {
    format!("aws_access_key_id = {id}\naws_secret_access_key = {secret}\n")
}

/// The shared configuration, in a folder of its own.
struct Files {
    _folder: tempfile::TempDir,
    config: String,
    credentials: String,
}

impl Files {
    fn write(config: &str, credentials: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &Path, text: &str| {
            std::fs::write(path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let (config, credentials) =
            (write(&folder.path().join("config"), config), write(&folder.path().join("credentials"), credentials));
        Self { _folder: folder, config, credentials }
    }

    fn profile<'f>(&'f self, name: &'f str) -> [(&'f str, &'f str); 3] {
        [("AWS_PROFILE", name), ("AWS_CONFIG_FILE", &self.config), ("AWS_SHARED_CREDENTIALS_FILE", &self.credentials)]
    }
}

/// The server, through the parts of Amazon's interface that make it ready.
struct Moto {
    address: String,
}

impl Moto {
    /// The server, with that bucket.
    fn start(bucket: &str) -> Self {
        let address = std::env::var("DELTAIC_TEST_S3").expect("the address of an S3 server");
        send(&address, &request("PUT", &format!("{address}/{bucket}")), "");
        Self { address }
    }

    fn options(&self, given: &[(&str, &str)]) -> StorageOptions {
        StorageOptions::from_iter(self.given(given))
    }

    fn given(&self, given: &[(&str, &str)]) -> Options {
        let server = [
            ("AWS_ENDPOINT_URL", self.address.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ];
        options(&[&server, given].concat())
    }

    /// A new user with that policy: the id and the secret of its key.
    fn user(&self, name: &str, policy: &str) -> (String, String) {
        self.iam("CreateUser", &[("UserName", name)]);
        let rights = [("UserName", name), ("PolicyName", "rights"), ("PolicyDocument", policy)];
        self.iam("PutUserPolicy", &rights);
        let answer = self.iam("CreateAccessKey", &[("UserName", name)]);
        let value = |tag: &str| {
            let (_, rest) = answer.split_once(&format!("<{tag}>")).unwrap();
            rest.split_once('<').unwrap().0.to_owned()
        };
        (value("AccessKeyId"), value("SecretAccessKey"))
    }

    fn role(&self, name: &str) {
        self.iam("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]);
        let rights = [("RoleName", name), ("PolicyName", "rights"), ("PolicyDocument", ROLE_POLICY)];
        self.iam("PutRolePolicy", &rights);
    }

    fn iam(&self, action: &str, given: &[(&str, &str)]) -> String {
        let mut call = request("POST", &self.address);
        // The scope of the signature is what tells the server which service is asked.
        let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/iam/aws4_request, Signature=0";
        call.headers_mut().insert("authorization", scope.parse().unwrap());
        call.headers_mut().insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs([("Action", action), ("Version", "2010-05-08")]).extend_pairs(given);
        send(&self.address, &call, &body.finish())
    }

    /// From now on the server looks at keys and signatures, and at what their owners may do.
    fn look_at_keys(&self) -> Strict<'_> {
        self.requests_without_keys("0");
        Strict(self)
    }

    fn requests_without_keys(&self, count: &str) {
        send(&self.address, &request("POST", &format!("{}/moto-api/reset-auth", self.address)), count);
    }
}

/// While it lives, the server looks at keys.
struct Strict<'m>(&'m Moto);

impl Drop for Strict<'_> {
    fn drop(&mut self) {
        self.0.requests_without_keys("inf");
    }
}
