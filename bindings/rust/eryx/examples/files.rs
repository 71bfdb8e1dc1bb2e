//! Files: directories of the host as volumes, a quota, standard input, arguments, the environment.

use eryx::{Session, Volume};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    futures::executor::block_on(async {
        let folder = tempfile::tempdir()?;
        let (input, output) = (folder.path().join("input"), folder.path().join("output"));
        std::fs::create_dir_all(&input)?;
        std::fs::create_dir_all(&output)?;
        std::fs::write(input.join("names.txt"), "Ada\nGrace\n")?;
        let session = Session::builder()
            .with_volume(Volume::read_only(&input, "/input"))
            .with_volume(Volume::read_write(&output, "/output").with_quota_bytes(1 << 20))
            .with_args(["report.py", "--verbose"])
            .with_env("GREETING", "Hello")
            .with_stdin("from standard input\n")
            .build()
            .await?;
        let code = "
import os, sys
for name in open('/input/names.txt'):
    print(os.environ['GREETING'], name.strip())
print(sys.argv[1], input())
with open('/output/report.txt', 'w') as report:
    report.write('done')
";
        print!("{}", session.execute(code).await?);
        println!("{}", std::fs::read_to_string(output.join("report.txt"))?);
        Ok(())
    })
}
