/** Names stand in addresses, file names and metrics, so they are kept plain. */
const NAME = /^[a-zA-Z0-9](?:[a-zA-Z0-9_-]{0,62}[a-zA-Z0-9])?$/;

/** Whether a text can be a channel's public name: 1 to 64 of `A-Z a-z 0-9 - _`, not `-` or `_` at either end. */
export function isChannelName(text: string): boolean {
  return NAME.test(text);
}

/** What to tell someone whose name was refused. */
export const CHANNEL_NAME_RULE = "1 to 64 of A-Z a-z 0-9 - _, beginning and ending with a letter or digit";
