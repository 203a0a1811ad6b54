// conet container up, down: what a runtime says of a container's life, by hand. They use the runtime's socket.
import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { collectHandle, parseHandle } from '../options/handle.ts'
import { parseWholeNumber } from '../options/whole-number.ts'
import { forEachName } from '../several.ts'

type UpOptions = { pid?: number; netns?: string }

export function addContainerRunCommands(container: Command, context: CommandContext): void {
  addUp(container, context)
  addDown(container, context)
}

function addUp(container: Command, context: CommandContext): void {
  container
    .command('up')
    .summary('start a container’s networks, print its sandbox’s path')
    .description(
      'Say that a container starts: plug it into its networks and print the path of its sandbox. Without --pid and --netns conet makes the sandbox.',
    )
    .argument('<handle>', 'the container', parseHandle)
    .addOption(
      new Option('--pid <number>', 'a process in the container’s network namespace')
        .argParser(parseWholeNumber)
        .conflicts('netns'),
    )
    .option(
      '--netns <path>',
      'the path of the container’s network namespace',
      (path) => path && resolve(path),
    )
    .addHelpText('after', '\nExample:\n  $ conet container up c1 --pid 4711\n  $ conet container up c2')
    .action(async (handle: string, { pid, netns }: UpOptions) => {
      const body = { ...(pid === undefined ? {} : { pid }), ...(netns === undefined ? {} : { netns }) }
      const { sandbox } = await context.withClient((client, call) => client.up(handle, body, call))
      if (sandbox !== undefined) context.line(sandbox.path)
    })
}

function addDown(container: Command, context: CommandContext): void {
  container
    .command('down')
    .summary('stop containers’ networks')
    .description('Say that containers stopped: unplug them from everything. Repeated: no failure.')
    .argument('<handle...>', 'the containers', collectHandle)
    .addHelpText('after', '\nExample:\n  $ conet container down c1')
    .action((handles: string[]) =>
      context.withClient((client, call) =>
        forEachName(context, handles, async (handle) =>
          context.removed(handle, await client.down(handle, call)),
        ),
      ),
    )
}
