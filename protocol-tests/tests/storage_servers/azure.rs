//! Azure storage, by Azurite.

use deltaic::StorageOptions;
use deltaic_protocol_tests::row_table::Options;
use object_store::azure::{AzureAccessKey, AzureAuthorizer, AzureCredential};

use crate::server::{request, send};
use crate::{absent, check, commits, options};

/// The account and key that every Azurite has.
const AZURITE: (&str, &str) =
    ("devstoreaccount1", "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");

#[tokio::test]
#[ignore = "needs an Azure server: `cargo xtask test` starts one"]
async fn azure_tables_are_read_as_local_ones() {
    let options = StorageOptions::from_iter(start("tables"));
    for scheme in ["az", "abfs"] {
        check(&format!("{scheme}://tables/{scheme} folder"), &options).await;
    }
    absent("az://tables/no/such", &options).await;
}

#[tokio::test]
#[ignore = "needs an Azure server: `cargo xtask test` starts one"]
async fn conditional_puts_conform_on_azure() {
    let options = start("conform");
    commits::conform("az://conform", &options).await;
    commits::requests("az://conform/counted", &options).await;
}

#[test]
#[ignore = "needs an Azure server: `cargo xtask test` starts one"]
fn processes_append_to_a_table_on_azure() {
    commits::processes("az://shared/table", &start("shared"));
}

/// The server, with that container: the options by which it is found.
fn start(container: &str) -> Options {
    let server = std::env::var("DELTAIC_TEST_AZURE").expect("the address of an Azure server");
    let (account, key) = AZURITE;
    let mut create = request("PUT", &format!("{server}/{account}/{container}?restype=container"));
    let credential = AzureCredential::AccessKey(AzureAccessKey::try_new(key).unwrap());
    AzureAuthorizer::new(&credential, account).authorize(&mut create);
    send(&server, &create, "");
    let endpoint = format!("{server}/{account}");
    options(&[
        ("azure_storage_account_name", account),
        ("azure_storage_account_key", key),
        ("azure_storage_endpoint", &endpoint),
        ("allow_http", "true"),
    ])
}
