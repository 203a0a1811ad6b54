// What the checks of the kernel say of drivers that make interfaces: `verdict-main.js NAME…` writes the verdicts as JSON. A
// process of its own, since the kit compares the whole namespace. `good` is the one without a mutation.
import { goodBehaviour } from '../behaviour.ts'
import { mutationNamed } from '../mutations/index.ts'
import { failuresOf, kernelChecks, type Verdict, verdictOn } from '../verdict.ts'
import { withKernel } from './behaviour.ts'
import { goodKernel } from './ends.ts'

async function verdict(name: string): Promise<Verdict> {
  if (name !== 'good') {
    return { failed: await failuresOf(mutationNamed(name), kernelChecks), undecided: [] }
  }
  const good = withKernel(goodBehaviour(), goodKernel())
  return verdictOn(good, { only: kernelChecks, variant: { interfaces: true } })
}

const verdicts: Record<string, Verdict> = {}
for (const name of process.argv.slice(2)) verdicts[name] = await verdict(name)
process.stdout.write(JSON.stringify(verdicts))
