// conet pool list.
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { poolPage } from '../show/pool.ts'
import { addShowOptions, type ShowOptions } from './read-options.ts'

export function addPoolCommands(pool: Command, context: CommandContext): void {
  addShowOptions(pool.command('list'))
    .alias('ls')
    .summary('show how much of each pool is taken')
    .description(
      'Show where subnets, addresses and ports come from, and how much of them is taken. Of networks of a cluster the addresses count that this host has handed out; conet net inspect NAME shows what other hosts have.',
    )
    .addHelpText('after', '\nExample:\n  $ conet pool list')
    .action(async ({ json }: ShowOptions) => {
      const pools = await context.withClient((client, call) => client.listPools(call))
      if (json) context.json(pools)
      else context.terminal.out(poolPage(pools))
    })
}
