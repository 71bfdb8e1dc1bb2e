package main

// cells are the names that differ from the rule in some languages.
type cells = map[string]string

// rustSettings are the fields that Rust's builders set by methods that begin with with_.
var rustSettings = []string{
	"lock_file", "result_variable", "args", "env", "stdin", "max_trace_events", "mcp", "vfs", "vfs_mount_path", "quota_bytes",
	"filename", "description", "network", "redact_responses",
}

const (
	dropped = no + "freed by the garbage collector"
	inWith  = "WithLimits"
)

// exceptions are the names that differ from the rule, by operation or "section.field"; "all" is every language that has none of its own. A value that
// begins with "no: " says why there is none.
var exceptions = map[string]cells{
	"factory.bytes":   {"Go": "Factory.Bytes", "Python": "SandboxFactory.to_bytes", "Node": "SandboxFactory.toBytes", "Rust": "SandboxFactory::to_bytes"},
	"factory.load":    {"Go": "Runtime.LoadFactory"},
	"info":            {"Go": no + "the program has the objects themselves", "Python": "info", "Node": "info", "Rust": "info"},
	"mcp.connect_all": {"Python": "connect_servers"},
	"mcp.discover":    {"Go": "Discover", "Python": "discover_servers", "Node": "discoverServers"},
	"mcp.list_tools":  {"Go": "Manager.Tools"},
	"mcp.serve":       {"Go": "Server.Serve", "Python": "serve", "Node": "serve", "Rust": "serve"},
	"network.check":   {"Go": "Policy", "Python": "NetConfig", "Node": "NetConfig", "Rust": no + "checked when a sandbox is built"},
	"runtime.init":    {"Go": "NewRuntime", "Python": no + "the first sandbox starts it", "Node": "init", "Rust": "start_runtime"},
	"sandbox.close":   {"Go": dropped},

	"vfs.new": {"Go": "NewStorage"}, "vfs.fork": {"Go": "Storage.Fork"}, "vfs.usage": {"Go": "Storage.Usage"},
	"vfs.read": {"Go": "Storage.ReadFile"}, "vfs.write": {"Go": "Storage.WriteFile"}, "vfs.mkdir": {"Go": "Storage.MkdirAll"},
	"vfs.remove": {"Go": "Storage.Remove"}, "vfs.rename": {"Go": "Storage.Rename"}, "vfs.symlink": {"Go": "Storage.Symlink"},
	"vfs.stat": {"Go": "Storage.Stat"}, "vfs.list": {"Go": "Storage.List"}, "vfs.snapshot": {"Go": "Storage.Snapshot"},
	"vfs.restore": {"Go": "Storage.Restore"}, "vfs.load": {"Go": "Storage.LoadDir"}, "vfs.save": {"Go": "Storage.SaveDir"},
	"vfs.close": {"Go": dropped},

	"config.limits":       {"Node": "resourceLimits", "Python": "resource_limits", "Rust": "with_resource_limits"},
	"config.callbacks":    {"Rust": "with_callback"},
	"config.libraries":    {"Rust": "with_library"},
	"config.volumes":      {"Rust": "with_volume"},
	"config.packages":     {"Rust": "with_package"},
	"config.requirements": {"Rust": "with_requirement"},
	"config.lock_file":    {"Go": "ResolveConfig.LockFile"},
	"config.keep_tasks":   {"Rust": "with_keep_tasks"},
	"config.checkpoint":   {"Rust": "with_checkpoint"},
	"config.trace":        {"Rust": "with_trace"},
	"config.mcp":          {"Go": "Manager.Library"},
	"config.secrets":      {"Rust": "with_secret"},
	"config.scrub":        {"Python": "scrub_stdout", "Rust": "with_scrub"},

	"callback.stream":     {"Python": no + "a generator is one", "Node": no + "an async generator is one", "Rust": "Callback::stream"},
	"callback.schema":     {"Rust": "with_schema"},
	"callback.timeout_ms": {"Rust": "with_timeout"},

	"library.name":      {"Go": "Library.Name", "Python": "Library.name", "Node": "Library.name", "Rust": "Library::name"},
	"library.modules":   {"Go": "Library.Modules", "Python": "Library.modules", "Node": "Library.modules", "Rust": "with_module"},
	"library.callbacks": {"Go": "Library.Callbacks", "Python": "Library.callback_names", "Node": "LibraryOptions.callbacks", "Rust": "with_callbacks"},
	"library.stubs":     {"Go": "Library.Stubs", "Python": "Library.stubs", "Node": "Library.stubs", "Rust": "with_stubs"},

	"volume.host_path":    {"Python": no + "first of the tuple", "Rust": "Volume::read_only"},
	"volume.guest_path":   {"Python": no + "second of the tuple", "Rust": "Volume::read_only"},
	"volume.mode":         {"Python": no + "third of the tuple", "Rust": "Volume::copy_on_write"},
	"volume.quota_bytes":  {"Python": no + "fourth of the tuple"},
	"package.path":        {"Python": "PackageDict.path", "Rust": "Package::path"},
	"package.data":        {"Python": "PackageDict.data", "Rust": "Package::data"},
	"package.drop_native": {"Python": "PackageDict.drop_native", "Rust": "Package::drop_native"},

	"network.io_timeout_ms": {"Go": "Config.IOTimeout"},
	"network.dns_cache_ms":  {"Go": "Config.DNSCacheTime"},
	"network.on_connect":    {"Rust": "NetConfig::on_connect"},

	"execution options.limits":        {"Go": inWith, "Python": no + "of the session or sandbox", "Node": "ExecuteOptions.resourceLimits", "Rust": "Execute::with_max_fuel"},
	"execution options.filename":      {"Go": "WithFilename"},
	"execution options.interactive":   {"Go": "WithInteractive", "Python": no + "the command's prompt has it", "Rust": "Execute::interactive"},
	"execution options.stdout_events": {"Go": "WithOutput", "Python": "on_stdout", "Node": "onStdout", "Rust": "Execute::on_stdout"},
	"execution options.stderr_events": {"Go": "WithOutput", "Python": "on_stderr", "Node": "onStderr", "Rust": "Execute::on_stderr"},
	"execution options.trace":         {"Go": "WithTrace", "Rust": "Execute::with_trace"},
	"execution options.trace_events":  {"Go": "WithTrace", "Python": "on_trace", "Node": "onTrace", "Rust": "Execute::on_trace"},
	"execution options.journal":       {"Go": "WithJournal", "Python": "execute_with_journal", "Node": "executeWithJournal", "Rust": "Execute::with_journal"},

	"result.result_json":        {"Go": "Result.JSON"},
	"result.result_error":       {"Go": "Result.JSONError"},
	"result.journal":            {"Go": "Journal"},
	"result.replayed_callbacks": {"Go": "Result.ReplayedCallbacks"},
	"result.suspended":          {"Go": "Result.Suspended"},
	"error record.errno":        {"Python": "FileError"},
}
