// conet driver list, inspect, start, stop.
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { forEachName, inspectEach } from '../several.ts'
import { driverPage, driverTable, namesForInspect } from '../show/driver.ts'
import { addListOptions, addShowOptions, type ListOptions, type ShowOptions } from './read-options.ts'

export function addDriverCommands(driver: Command, context: CommandContext): void {
  addListOptions(driver.command('list').alias('ls').summary('list drivers'))
    .description('List drivers with the state of their connections.')
    .addHelpText('after', '\nExample:\n  $ conet driver list')
    .action(async (options: ListOptions) => {
      const { drivers } = await context.withClient((client, call) => client.listDrivers(call))
      if (options.json) context.json(drivers)
      else if (options.quiet) for (const name of namesForInspect(drivers)) context.line(name)
      else context.terminal.out(driverTable(drivers))
    })
  addInspect(driver, context)
  addStart(driver, context)
  addStop(driver, context)
}

function addInspect(driver: Command, context: CommandContext): void {
  addShowOptions(driver.command('inspect').summary('show drivers'))
    .description(
      'Show drivers: what they can do, and how they fare. With --json: the schemas of their documents.',
    )
    .argument('<driver...>', 'names, or the sockets of those that share a name')
    .addHelpText('after', '\nExample:\n  $ conet driver inspect bridge\n  $ conet driver inspect bridge.sock')
    .action((drivers: string[], options: ShowOptions) =>
      context.withClient((client, call) =>
        inspectEach(context, drivers, {
          json: options.json === true,
          fetch: (name) => client.getDriver(name, call),
          page: driverPage,
        }),
      ),
    )
}

function addStart(driver: Command, context: CommandContext): void {
  driver
    .command('start')
    .summary('let conetd start drivers and watch over them')
    .description(
      'Let conetd start drivers and keep them running until it is told to stop them. Done when they take calls. From an instance that was started by hand, at a socket of another name, that of conetd takes over.',
    )
    .argument('<driver...>')
    .addHelpText('after', '\nExample:\n  $ conet driver start bridge')
    .action((drivers: string[]) =>
      context.withClient((client, call) =>
        forEachName(context, drivers, async (name) => {
          await client.startDriver(name, call)
          context.line(name)
        }),
      ),
    )
}

function addStop(driver: Command, context: CommandContext): void {
  driver
    .command('stop')
    .summary('end drivers that conetd started')
    .description(
      'End drivers that conetd started, and do not start them again. Containers keep their networks.',
    )
    .argument('<driver...>')
    .addHelpText('after', '\nExample:\n  $ conet driver stop bridge')
    .action((drivers: string[]) =>
      context.withClient((client, call) =>
        forEachName(context, drivers, async (name) => {
          await client.stopDriver(name, call)
          context.line(name)
        }),
      ),
    )
}
