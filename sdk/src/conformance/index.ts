// The conformance kit as a library: run it from a program, or as tests of a test runner.
export {
  type Check,
  isTranscriptCheck,
  type Level,
  levels,
  type Need,
  type Profile,
  type Severity,
} from './checks/check.ts'
export { allChecks } from './checks/index.ts'
export { conformanceTests, type TestContext, type TestFunctions } from './library/conformance-tests.ts'
export { exitCodeMeanings, exitCodeOf, exitCodes } from './report/exit-codes.ts'
export { formats, type ReportFormat } from './report/formats.ts'
export type { CheckResult, Report, Status } from './report/report.ts'
export { type ProtocolRule, protocolRules } from './rules/protocol-rules.ts'
export { untestedRules } from './rules/untested-rules.ts'
export { ConformanceRun, type RunListener, runConformance } from './runner/conformance-run.ts'
export type { ConformanceOptions, TargetOptions } from './runner/options.ts'
export { UsageError } from './runner/usage-error.ts'
export { DriverUnreachable } from './wire/raw-connection.ts'
