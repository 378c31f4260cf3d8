//! Changes of what an open table is: its properties, constraints, columns, features.

use deltaic_ops::AlterBuilder;
use deltaic_ops::alter::Alteration;

use crate::DeltaTable;

impl DeltaTable {
    /// A change of properties, constraints, columns or features. The table stays at its version; [`Self::refresh`] moves it.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// use deltaic::DeltaTable;
    /// use deltaic::log::schema::{PrimitiveType, StructField, StructType};
    /// use deltaic::ops::alter::Alteration;
    /// # let place = tempfile::tempdir().unwrap();
    /// # let location = place.path().to_str().unwrap();
    /// let schema = StructType::new([StructField::nullable("id", PrimitiveType::Long)]);
    /// DeltaTable::create(location, schema).await?.execute().await?;
    /// let mut table = DeltaTable::open(location).await?;
    /// let properties = [("delta.appendOnly".to_owned(), "true".to_owned())].into();
    /// table.alter(Alteration::SetProperties(properties)).execute().await?;
    /// table.refresh().await?;
    /// assert_eq!(table.version(), deltaic::Version(1));
    /// # Ok::<(), deltaic::Error>(()) }).unwrap();
    /// ```
    pub fn alter(&self, alteration: Alteration) -> AlterBuilder {
        AlterBuilder::new(self.target(), alteration)
    }
}
