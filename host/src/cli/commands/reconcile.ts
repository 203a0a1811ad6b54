// conet reconcile.
import type { Command } from 'commander'
import type { CommandContext } from '../command-context.ts'
import { exitCodes } from '../exit-code.ts'
import { reconciliationPage } from '../show/reconciliation.ts'
import { addShowOptions, detailOf, type ShowOptions } from './read-options.ts'

export function addReconcile(program: Command, context: CommandContext): void {
  addShowOptions(program.command('reconcile').summary('compare the record with what there is, and mend it'))
    .description(
      'Compare what conetd has on record with what drivers have and which sandboxes are held, and mend what differs. Running containers keep their networks.',
    )
    .option('--dry-run', 'show what would be done, and change nothing')
    .addHelpText('after', '\nExample:\n  $ conet reconcile --dry-run')
    .action(async (options: ShowOptions & { dryRun?: boolean }) => {
      const found = await context.withClient((client, call) =>
        options.dryRun === true ? client.previewReconciliation(call) : client.reconcile(call),
      )
      if (options.json) context.json(found)
      else context.terminal.out(reconciliationPage(found, detailOf(options)))
      if (!found.differences.some(({ outcome }) => outcome === 'failed')) return
      const { ReportedFailure } = await import('../failure.ts')
      throw new ReportedFailure(exitCodes.failed)
    })
}
