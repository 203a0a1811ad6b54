// conet container up, down: what a runtime says of a container's life, by hand. They use the runtime's socket.
import { resolve } from 'node:path'
import type { CallOptions, ConetClient } from '@conet/sdk/client'
import { type Command, Option } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { assertHandle, callAbout, parseHandle } from '../options/handle.ts'
import { parseWholeNumber } from '../options/whole-number.ts'
import { forEachName } from '../several.ts'

/** What is said beside the result is not waited for any longer. */
const lookTimeoutMs = 2_000

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
    .description(
      'Say that containers stopped: unplug them from everything. Repeated, or of one that nobody knows: no failure.',
    )
    .argument('<handle...>', 'the containers')
    .addHelpText('after', '\nExample:\n  $ conet container down c1')
    .action((handles: string[]) =>
      context.withClient((client, call) =>
        forEachName(context, handles, async (handle) => {
          await assertHandle(handle)
          const isStrange = await isUnknown(client, handle, call)
          context.removed(handle, await client.down(handle, call))
          if (isStrange) context.note(`${handle}: there is no such container, so nothing was taken down`)
        }),
      ),
    )
}

/** Looked at before, for one that nobody defined is forgotten when it goes down. Who cannot see it says nothing. */
async function isUnknown(client: ConetClient, handle: string, call: CallOptions): Promise<boolean> {
  const { ConetError } = await import('@conet/sdk/client')
  try {
    await client.getContainer(handle, { ...callAbout(handle, call), timeoutMs: lookTimeoutMs })
    return false
  } catch (error) {
    if (!ConetError.is(error)) throw error
    return error.kind === 'notFound'
  }
}
