import { ensureNativeAddon } from './native-addon.ts'

// `npm ci` runs no install scripts, so it works without a compiler or GitHub access. These
// functions build the addons where possible; otherwise the tests of that client are skipped.

/**
 * Makes `@confluentinc/kafka-javascript` loadable, or returns the reason why not. Takes 0.1 s if it
 * is already loadable.
 */
export async function ensureConfluent(): Promise<string | undefined> {
  return await ensureNativeAddon({
    name: '@confluentinc/kafka-javascript',
    prebuilt: true,
    // With static linking its configure script would download the sources of OpenSSL, curl and
    // others.
    env: { CKJS_LINKING: 'dynamic' },
  })
}

/** The same for `node-rdkafka`, whose releases have no prebuilt addons. */
export async function ensureRdkafka(): Promise<string | undefined> {
  return await ensureNativeAddon({ name: 'node-rdkafka', prebuilt: false, env: {} })
}
