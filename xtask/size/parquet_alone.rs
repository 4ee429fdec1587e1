// arrow2 alone: three events written to a Parquet file, and read.

use std::fs::File;

use arrow2::array::{Array, BinaryArray, UInt64Array};
use arrow2::chunk::Chunk;
use arrow2::datatypes::{DataType, Field, Schema};
use arrow2::io::parquet::{read, write};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("name a file")?;
    let position = Field::new("position", DataType::UInt64, false);
    let schema = Schema::from(vec![position, Field::new("payload", DataType::Binary, false)]);
    let options = write::WriteOptions {
        write_statistics: true,
        compression: write::CompressionOptions::Zstd(None),
        version: write::Version::V2,
        data_pagesize_limit: None,
    };
    let columns: Chunk<Box<dyn Array>> = Chunk::new(vec![
        UInt64Array::from_slice([1, 2, 3]).boxed(),
        BinaryArray::<i32>::from_slice([b"{}", b"[]", b"42"]).boxed(),
    ]);
    let plain = vec![vec![write::Encoding::Plain]; 2];
    let groups = write::RowGroupIterator::try_new(std::iter::once(Ok(columns)), &schema, options, plain)?;
    let mut writer = write::FileWriter::try_new(File::create(&path)?, schema, options)?;
    for group in groups {
        writer.write(group?)?;
    }
    writer.end(None)?;

    let mut file = File::open(&path)?;
    let metadata = read::read_metadata(&mut file)?;
    let schema = read::infer_schema(&metadata)?;
    for chunk in read::FileReader::new(file, metadata.row_groups, schema, None, None, None) {
        println!("{} events", chunk?.len());
    }
    Ok(())
}
