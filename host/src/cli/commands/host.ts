// conet status, events, version.
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { parseWholeNumber } from '../options/whole-number.ts'
import { eventLine, statusPage } from '../show/status.ts'
import { version } from '../version.ts'
import { addShowOptions, detailOf, type ShowOptions } from './read-options.ts'

export function addHostCommands(program: Command, context: CommandContext): void {
  addStatus(program, context)
  addEvents(program, context)
  addVersion(program, context)
}

function addStatus(program: Command, context: CommandContext): void {
  addShowOptions(program.command('status').summary('show the host, and what stands in the way'))
    .description('Show where conetd lives, what it holds, and what on this machine stands in the way.')
    .addHelpText('after', '\nExample:\n  $ conet status')
    .action(async ({ json }: ShowOptions) => {
      const status = await context.withClient((client, call) => client.status(call))
      if (json) context.json(status)
      else context.terminal.out(statusPage(status))
    })
}

function addEvents(program: Command, context: CommandContext): void {
  addShowOptions(program.command('events').summary('follow what happens'))
    .description('Write what happens, as it happens, until Ctrl-C. With --json: one object a line.')
    .option('--since <id>', 'begin after this event, as far as it is kept; 0: with all', parseWholeNumber)
    .addHelpText('after', '\nExample:\n  $ conet events --since 0')
    .action((options: ShowOptions & { since?: number }) =>
      context.withClient(async (client, { signal }) => {
        const since = options.since === undefined ? {} : { since: options.since }
        const onResync = () => context.note('events were lost; look at the objects themselves')
        const onDisconnect = () => context.note('the connection to conetd ended; waiting for it')
        const ways = { ...since, ...(signal && { signal }), onResync, onDisconnect }
        for await (const event of client.events(ways)) {
          const line = options.json ? `${JSON.stringify(event)}\n` : eventLine(event, detailOf(options))
          context.terminal.out(line)
        }
      }),
    )
}

/** The versions of both; a host that is not there is an answer here, not a failure. */
function addVersion(program: Command, context: CommandContext): void {
  addShowOptions(program.command('version').summary('show the versions of conet and conetd'))
    .description('Show the versions of this program and of the conetd that it reaches.')
    .addHelpText('after', '\nExample:\n  $ conet version')
    .action(async ({ json }: ShowOptions) => {
      const conetd = await context.withClient((client, call) =>
        client.health(call).then(
          (health) => ({ version: health.version }),
          (error: Error) => ({ error: error.message }),
        ),
      )
      if (json) return context.json({ conet: version, conetd })
      context.line(`conet ${version}`)
      context.line('version' in conetd ? `conetd ${conetd.version}` : `conetd not reached (${conetd.error})`)
    })
}
