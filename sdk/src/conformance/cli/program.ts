// The command line as a tree of commands.
import { Command } from 'commander'
import { kitVersion } from '../kit-version.ts'
import { exitCodeMeanings } from '../report/exit-codes.ts'
import { explainChecks } from './explain.ts'
import { type ListOptions, listChecks } from './list.ts'
import {
  parseDocument,
  parseExpectedFailures,
  parseLevel,
  parseNames,
  parseReport,
  parseScale,
  parseSeed,
} from './options.ts'
import { type RunOptions, runChecks } from './run-checks.ts'
import type { Terminal } from './terminal.ts'

const example = `
Example:
  $ conet-conformance run --command "node my-driver.js --socket {socket}" --report html=report.html`

/** `exitWith` hears the exit code. */
export function buildProgram(terminal: Terminal, exitWith: (code: number) => void): Command {
  const root = new Command('conet-conformance')
    .description('Tells whether a conet driver, in any language, keeps the contract of docs/protocol.md.')
    .version(kitVersion, '-V, --version', 'write the version')
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err, outputError })
    .exitOverride()
  addRun(root, async (options) => exitWith(await runChecks(options, terminal)))
  root
    .command('list [names...]')
    .description('Which checks there are: all, or those of areas, or of a level.')
    .option('--level <level>', 'only those of this level, without those before it', parseLevel)
    .option('--json', 'as JSON')
    .action((names: string[], options: ListOptions) => terminal.out(listChecks(names, options)))
  root
    .command('explain <names...>')
    .description('What a check, or each check of an area, looks at, why, and how to mend what it finds.')
    .action((names: string[]) => terminal.out(explainChecks(names)))
  for (const command of root.commands) command.exitOverride().configureOutput({ outputError })
  return root
}

/** In the form that all errors of this program have. */
function outputError(text: string, write: (text: string) => void): void {
  write(text.replace(/^error: /, 'conet-conformance: '))
}

function addRun(root: Command, action: (options: RunOptions) => Promise<void>): void {
  root
    .command('run')
    .description('Check a driver.')
    .option('--socket <path>', 'a driver that is running')
    .option(
      '--command <line>',
      'a line for sh with {socket} in it: the kit starts the driver, ends it, starts it again',
    )
    .option(
      '--level <level>',
      'core, robust, resilient or upgradable, each with those before it',
      parseLevel,
      'robust',
    )
    .option('--only <ids>', 'only these checks or areas, of any level', parseNames)
    .option('--skip <ids>', 'not these checks or areas', parseNames)
    .option('--seed <number>', 'what everything random is made from; each report names it', parseSeed)
    .option('--path <path>', 'where a property failed, as the report says; with --only and --seed')
    .option('--replay-path <path>', 'which commands were run then, as the report says')
    .option('--time-scale <factor>', 'multiplies the kit’s patience', parseScale, 1)
    .option(
      '--expected-failures <file>',
      'JSON: { "check id": "reason" }; one that passes fails the run',
      parseExpectedFailures,
    )
    .option('--network-config <file>', 'JSON: the config of the networks that are made', parseDocument)
    .option('--attachment-options <file>', 'JSON: the options of the endpoints that are made', parseDocument)
    .option(
      '--report <format=file>',
      'text, json, junit, tap or html; may be repeated; - is stdout',
      parseReport,
    )
    .option('--quiet', 'no line for each check')
    .option('--no-isolation', 'start the driver in the namespaces that you are in, not in new ones')
    .addHelpText('after', exitCodesText() + example)
    .action(action)
}

function exitCodesText(): string {
  const lines = Object.entries(exitCodeMeanings).map(
    ([code, meaning]) => `  ${code.padStart(3)}  ${meaning}\n`,
  )
  return `\nExit codes:\n${lines.join('')}`
}
