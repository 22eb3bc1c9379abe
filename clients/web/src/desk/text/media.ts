// SPDX-License-Identifier: Apache-2.0
import type { Pair } from '../text';

export const kMediaText = {
  'media.head': ['图片和录音', 'Pictures and voice note'],
  'media.images': ['图片（最多 {max} 张）', 'Pictures (at most {max})'],
  'media.add': ['加图片', 'Add pictures'],
  'media.image_n': ['图片 {n}：{title}', 'Picture {n}: {title}'],
  'media.voice': ['录音（最长 1 分钟）', 'Voice note (one minute at most)'],
  'media.record': ['录音', 'Record'],
  'media.stop': ['录好了（{at}）', 'Done ({at})'],
  'media.choose': ['选录音文件', 'Choose a sound file'],
  'media.none_recorded': [
    '这个浏览器不能录音，请选录音文件。',
    'This browser cannot record: choose a file.',
  ],
  'media.remove': ['去掉', 'Remove'],
  'media.waiting': ['等着上传', 'Waiting'],
  'media.sending': ['已传 {percent}%', '{percent} % sent'],
  'media.done': ['已传好', 'Sent'],
  'media.again': ['再传一次', 'Send again'],
  'media.people': [
    '照片里有能认出的人，请先取得本人同意。',
    'Ask people who can be recognised before you publish their photo.',
  ],
  'media.why.offline': [
    '网络断了。文件还在本机，联网后接着传。',
    'No connection. The file is kept here and goes on from where it was.',
  ],
  'media.why.unsupported_media': [
    '这种文件不能用。图片用 JPEG、PNG、WebP；录音用 MP3、M4A、OGG、WebM。',
    'This kind of file cannot be used: JPEG, PNG or WebP; MP3, M4A, OGG or WebM.',
  ],
  'media.why.too_large': ['文件太大。', 'The file is too large.'],
  'media.why.too_long': ['录音最长 1 分钟。', 'A voice note has one minute at most.'],
  'media.why.empty': ['文件是空的。', 'The file is empty.'],
  'media.why.no_microphone': [
    '用不了麦克风。请在浏览器里允许，或选录音文件。',
    'No microphone: allow it in the browser, or choose a file.',
  ],
  'media.why.lost': [
    '本机找不到这个文件了，请去掉后重新选。',
    'The file is no longer on this computer: remove it and choose it again.',
  ],
  'media.why.too_many': ['最多 {max} 张图片。', 'At most {max} pictures.'],
  'media.why.not_kept': [
    '本机存不下，刷新页面会丢，请等传完。',
    'No room here: wait until it is sent before you reload.',
  ],
  'media.why.other': ['没传上去（{code}）。', 'Not sent ({code}).'],
  'media.missing': ['这个附件看不了。', 'This attachment cannot be shown.'],
} as const satisfies Record<string, Pair>;
