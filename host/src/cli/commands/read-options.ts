// The options of commands that read.
import { type Command, Option } from 'commander'
import type { Detail } from '../show/short-id.ts'

export type ShowOptions = { json?: boolean; trunc?: boolean }
export type ListOptions = ShowOptions & { quiet?: boolean }

export function addShowOptions(command: Command): Command {
  return command
    .addOption(new Option('--json', 'write JSON, and nothing else').conflicts('quiet'))
    .option('--no-trunc', 'do not shorten ids and lists')
}

export function addListOptions(command: Command): Command {
  return addShowOptions(command).option('-q, --quiet', 'write only what names each, one a line')
}

export function detailOf({ trunc }: ShowOptions): Detail {
  return trunc === false ? 'full' : 'short'
}
