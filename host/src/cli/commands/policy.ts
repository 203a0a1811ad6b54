// conet container policy, container metrics, net default-policy.
import { type Command, Option } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { assertHandle, callAbout, parseHandle } from '../options/handle.ts'
import { collect } from '../options/key-value.ts'
import { parseDocumentFile, parsePolicyFile } from '../options/policy-file.ts'
import { forEachName } from '../several.ts'
import { defaultPolicyText, type MetricsByHandle, metricsTable, policyTable } from '../show/policy.ts'
import { addShowOptions } from './read-options.ts'

type PolicyOptions = {
  file?: Record<string, Record<string, unknown> | null>
  reset?: string[]
  json?: boolean
}

export function addContainerPolicyCommands(container: Command, context: CommandContext): void {
  addPolicy(container, context)
  addMetrics(container, context)
}

function addPolicy(container: Command, context: CommandContext): void {
  const policy = container.command('policy')
  context.hintFor(policy, ['conet container inspect HANDLE', 'conet container list'])
  context.flagsFor(policy, { networks: ['--file', '--reset'] })
  addShowOptions(policy.summary('show or change the policies of a container'))
    .description(
      'Show the policies of a container, or change those of the attachments that are named: all of them or none, also while it runs.',
    )
    .argument('<handle>', 'the container', parseHandle)
    .option(
      '--file <path>',
      'a file with {"networks":{"ATTACHMENT":{…}}}, - for standard input; null resets one',
      parsePolicyFile,
    )
    .option('--reset <attachment>', 'back to the default of its network, repeatable', collect)
    .addHelpText(
      'after',
      '\nExample:\n  $ conet container policy c1\n  $ conet container policy c1 --reset web',
    )
    .action(async (handle: string, { file, reset = [], json }: PolicyOptions) => {
      const networks = { ...file, ...Object.fromEntries(reset.map((name) => [name, null])) }
      const isChange = file !== undefined || reset.length > 0
      const view = await context.withClient((client, given) => {
        const call = callAbout(handle, given)
        return isChange
          ? client.putContainerPolicy(handle, { networks }, call)
          : client.getContainerPolicy(handle, call)
      })
      if (json) context.json(view)
      else context.terminal.out(policyTable(view))
    })
}

function addMetrics(container: Command, context: CommandContext): void {
  addShowOptions(container.command('metrics'))
    .summary('show what went through containers’ networks')
    .description(
      'Show what went through the networks of containers, as they see it: RX came in, TX went out. Without a HANDLE: of all.',
    )
    .argument('[handle...]', 'the containers')
    .addHelpText('after', '\nExample:\n  $ conet container metrics c1\n  $ conet container metrics --json')
    .action((handles: string[], { json }: { json?: boolean }) =>
      context.withClient(async (client, call) => {
        const isAll = handles.length === 0
        const found = new Map<string, MetricsByHandle[string]>()
        try {
          await forEachName(context, handles, async (handle) => {
            await assertHandle(handle)
            found.set(handle, await client.getContainerMetrics(handle, callAbout(handle, call)))
          })
        } finally {
          const shown = isAll
            ? (await client.listContainerMetrics(call)).containers
            : Object.fromEntries(found)
          if (json) context.json(shown)
          else if (isAll || found.size > 0) context.terminal.out(metricsTable(shown))
        }
      }),
    )
}

type DefaultOptions = { file?: Record<string, unknown>; none?: boolean; json?: boolean }

export function addDefaultPolicyCommand(net: Command, context: CommandContext): void {
  const policy = net.command('default-policy')
  context.flagsFor(policy, { default_policy: ['--file'] })
  addShowOptions(policy.summary('show or change the default policy of a network'))
    .description(
      'Show the default policy of a network, or change it: it reaches containers that run and have no policy of their own.',
    )
    .argument('<network>')
    .addOption(
      new Option('--file <path>', 'a file with the document, - for standard input').argParser(
        parseDocumentFile,
      ),
    )
    .addOption(new Option('--none', 'no default policy from now on').conflicts('file'))
    .addHelpText(
      'after',
      '\nExample:\n  $ conet net default-policy web\n  $ conet net default-policy web --none',
    )
    .action(async (network: string, { file, none, json }: DefaultOptions) => {
      const wanted = none ? null : file
      const view = await context.withClient((client, call) =>
        wanted === undefined
          ? client.getNetwork(network, call)
          : client.putDefaultPolicy(network, wanted, call),
      )
      if (json) context.json(view.default_policy ?? null)
      else context.line(defaultPolicyText(view))
    })
}
