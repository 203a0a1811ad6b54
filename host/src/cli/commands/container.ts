// conet container create, list, inspect, events, rm.
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { assertHandle, callAbout, parseHandle, parseNewHandle } from '../options/handle.ts'
import { collect, collectPair, recordOf } from '../options/key-value.ts'
import { forEachName, inspectEach } from '../several.ts'
import { containerPage, containerTable } from '../show/container.ts'
import { eventLine } from '../show/status.ts'
import {
  addListOptions,
  addShowOptions,
  detailOf,
  type ListOptions,
  type ShowOptions,
} from './read-options.ts'

type CreateOptions = { network?: string[]; label?: [string, string][] }

export function addContainerCommands(container: Command, context: CommandContext): void {
  addCreate(container, context)
  addList(container, context)
  addInspect(container, context)
  addEvents(container, context)
  addRemove(container, context)
}

function addCreate(container: Command, context: CommandContext): void {
  const create = container.command('create')
  context.hintFor(create, ['conet net list'])
  context.flagsFor(create, { attach_to: ['--network'], labels: ['--label'] })
  create
    .summary('define a container, print its handle')
    .description('Define a container and the networks it gets when it starts. Again: replaces what was said.')
    .argument('<handle>', 'the container', parseNewHandle)
    .option('--network <network>', 'a network to plug it into, repeatable, in order', collect)
    .option('--label <key=value>', 'a label, repeatable', collectPair)
    .addHelpText('after', '\nExample:\n  $ conet container create c1 --network web --network storage')
    .action(async (handle: string, { network = [], label }: CreateOptions) => {
      const body = { attach_to: network, ...(label === undefined ? {} : { labels: recordOf(label) }) }
      const made = await context.withClient((client, call) => client.putContainerConfig(handle, body, call))
      context.line(made.handle)
    })
}

function addList(container: Command, context: CommandContext): void {
  addListOptions(container.command('list').alias('ls').summary('list containers'))
    .description('List containers.')
    .addHelpText('after', '\nExample:\n  $ conet container list')
    .action(async (options: ListOptions) => {
      const { containers } = await context.withClient((client, call) => client.listContainers(call))
      if (options.json) context.json(containers)
      else if (options.quiet) for (const { handle } of containers) context.line(handle)
      else context.terminal.out(containerTable(containers, detailOf(options)))
    })
}

function addInspect(container: Command, context: CommandContext): void {
  addShowOptions(container.command('inspect').summary('show containers with their networks and interfaces'))
    .description('Show containers with their networks and interfaces.')
    .argument('<handle...>', 'the containers')
    .addHelpText('after', '\nExample:\n  $ conet container inspect c1\n  $ conet container inspect c1 --json')
    .action((handles: string[], options: ShowOptions) =>
      context.withClient((client, call) =>
        inspectEach(context, handles, {
          json: options.json === true,
          fetch: async (handle) => {
            await assertHandle(handle)
            return client.getContainer(handle, callAbout(handle, call))
          },
          page: (found) => containerPage(found, detailOf(options)),
        }),
      ),
    )
}

function addEvents(container: Command, context: CommandContext): void {
  addShowOptions(container.command('events').summary('show what happened to a container'))
    .description('Show the last events of a container, failures with their errors; also of one that is gone.')
    .argument('<handle>', 'the container', parseHandle)
    .addHelpText('after', '\nExample:\n  $ conet container events c1')
    .action(async (handle: string, options: ShowOptions) => {
      const { events } = await context.withClient((client, call) =>
        client.getContainerEvents(handle, callAbout(handle, call)),
      )
      if (options.json) context.json(events)
      else for (const event of events) context.terminal.out(eventLine(event, detailOf(options)))
    })
}

function addRemove(container: Command, context: CommandContext): void {
  container
    .command('rm')
    .summary('forget containers')
    .description('Forget containers. One that is up is taken down first.')
    .argument('<handle...>', 'the containers')
    .addHelpText('after', '\nExample:\n  $ conet container rm c1')
    .action((handles: string[]) =>
      context.withClient((client, call) =>
        // One odd name, from a list that is piped here, keeps no other from going.
        forEachName(context, handles, async (handle) => {
          await assertHandle(handle)
          context.removed(handle, await client.deleteContainer(handle, callAbout(handle, call)))
        }),
      ),
    )
}
