// All checks, in the order in which they run.
//
// How to add one: write an ActiveCheck (check.ts) into the file of its area, or into a new file that is named below.
// Its id is `area.what`, its rules are ids of docs/protocol.md, its title is true of a driver that passes. `run` gets a
// CheckContext: `connect()` plays the host after the handshake, `host()` before it, `dial()` sends bytes; `objects`
// makes networks and endpoints, `sandbox()` a namespace, `process` ends and restarts the driver. Throw a Violation, or
// use `expect`, when the driver breaks the rule; what else is thrown counts as a bug of the kit. Whatever a check asks
// for is taken away after it. What must hold of all that is ever said is a TranscriptCheck. Then give it a mutant in
// test/zoo that fails it.
import { callChecks } from './calls.ts'
import { cancellationChecks } from './cancellation.ts'
import { capabilityChecks } from './capabilities.ts'
import type { Check } from './check.ts'
import { drainChecks } from './drain.ts'
import { endpointChecks } from './endpoints.ts'
import { framingChecks } from './framing.ts'
import { framingErrorChecks } from './framing-errors.ts'
import { handshakeChecks } from './handshake.ts'
import { healthChecks } from './health.ts'
import { kernelChecks } from './kernel.ts'
import { kernelEndChecks } from './kernel-ends.ts'
import { kernelExactChecks } from './kernel-exact.ts'
import { kernelRepeatChecks } from './kernel-repeat.ts'
import { kernelSharedChecks } from './kernel-shared.ts'
import { modelChecks } from './model.ts'
import { networkChecks } from './networks.ts'
import { ownAddressChecks } from './own-addresses.ts'
import { peerChecks } from './peers.ts'
import { plugChecks } from './plug.ts'
import { policyChecks } from './policy.ts'
import { restartChecks } from './restart.ts'
import { rpcChecks } from './rpc.ts'
import { rpcErrorChecks } from './rpc-errors.ts'
import { socketChecks } from './socket.ts'
import { syncChecks } from './sync.ts'
import { syncPlugChecks } from './sync-plugs.ts'
import { messageChecks } from './transcript-messages.ts'
import { replyChecks } from './transcript-replies.ts'
import { unplugChecks } from './unplug.ts'
import { upgradeChecks } from './upgrade.ts'

/** Every check of the kit, in the order in which they run. */
export const allChecks: readonly Check[] = [
  ...socketChecks,
  ...framingChecks,
  ...framingErrorChecks,
  ...rpcChecks,
  ...rpcErrorChecks,
  ...handshakeChecks,
  ...capabilityChecks,
  ...kernelChecks,
  ...kernelRepeatChecks,
  ...kernelExactChecks,
  ...kernelEndChecks,
  ...kernelSharedChecks,
  ...networkChecks,
  ...endpointChecks,
  ...callChecks,
  ...cancellationChecks,
  ...healthChecks,
  ...plugChecks,
  ...unplugChecks,
  ...syncChecks,
  ...syncPlugChecks,
  ...peerChecks,
  ...policyChecks,
  ...ownAddressChecks,
  ...restartChecks,
  ...drainChecks,
  ...upgradeChecks,
  ...modelChecks,
  ...messageChecks,
  ...replyChecks,
]
