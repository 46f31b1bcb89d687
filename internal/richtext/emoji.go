package richtext

import (
	"strings"
	"unicode/utf8"
)

// The tables below are of Unicode's emoji data, version 17. What is missing in them counts more, not less.
const (
	// basicEmoji are the emoji below U+1F000 (emoji-data.txt, property Emoji, without digits, # and *).
	basicEmoji = "©®‼⁉™ℹ↔↕↖↗↘↙↩↪⌚⌛⌨⏏⏩⏪⏫⏬⏭⏮⏯⏰⏱⏲⏳⏸⏹⏺Ⓜ▪▫▶◀◻◼◽◾☀☁☂☃☄☎☑☔☕☘☝☠☢☣☦☪☮☯☸☹☺♀♂♈♉♊♋♌♍♎♏♐♑♒♓♟♠♣♥♦♨♻♾♿⚒⚓⚔⚕⚖⚗⚙⚛⚜⚠⚡⚧⚪⚫⚰⚱⚽⚾⛄⛅⛈⛎⛏⛑⛓⛔⛩⛪⛰⛱⛲⛳⛴⛵⛷⛸⛹⛺⛽" +
		"✂✅✈✉✊✋✌✍✏✒✔✖✝✡✨✳✴❄❇❌❎❓❔❕❗❣❤➕➖➗➡➰➿⤴⤵⬅⬆⬇⬛⬜⭐⭕〰〽㊗㊙"
	// modifiable are the emoji that take a skin tone (property Emoji_Modifier_Base).
	modifiable = "☝⛹✊✋✌✍🎅🏂🏃🏄🏇🏊🏋🏌👂👃👆👇👈👉👊👋👌👍👎👏👐👦👧👨👩👪👫👬👭👮👯👰👱👲👳👴👵👶👷👸👼💁💂💃💅💆💇💏💑💪🕴🕵🕺🖐🖕🖖🙅🙆🙇🙋🙌🙍🙎🙏🚣🚴🚵🚶🛀🛌" +
		"🤌🤏🤘🤙🤚🤛🤜🤝🤞🤟🤦🤰🤱🤲🤳🤴🤵🤶🤷🤸🤹🤼🤽🤾🥷🦵🦶🦸🦹🦻🧍🧎🧏🧑🧒🧓🧔🧕🧖🧗🧘🧙🧚🧛🧜🧝🫃🫄🫅🫰🫱🫲🫳🫴🫵🫶🫷🫸"
	// joined are the emoji that stand behind a zero-width joiner (emoji-zwj-sequences.txt).
	joined = "❤💋👨👩👦👧🧑🧒⚕⚖✈🌾🍳🍼🎓🎤🎨🏫🏭💻💼🔧🔬🚀🚒🎄🦯🦼🦽🩰🦰🦱🦲🦳♀♂⚧☠➡↔↕❄⬛🌈💥🔥🩹💨💫🌫🗨🟩🟫🦺🤝🐰🫯🫲"
	// flags are the pairs of letters that have a flag (emoji-sequences.txt).
	flags = "AC AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CP CQ CR CU " +
		"CV CW CX CY CZ DE DG DJ DK DM DO DZ EA EC EE EG EH ER ES ET EU FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU IC ID IE IL IM " +
		"IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC " +
		"NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TA TC TD TF TG " +
		"TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM UN US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"

	joiner       = '\u200D'
	emojiStyle   = '\uFE0F'
	keycap       = '\u20E3'
	blackFlag    = '\U0001F3F4'
	letterA      = '\U0001F1E6' // the first regional indicator
	letterZ      = '\U0001F1FF'
	tagA         = '\U000E0061' // the tag of the letter a
	tagEnd       = '\U000E007F'
	lightestSkin = '\U0001F3FB'
	darkestSkin  = '\U0001F3FF'
)

// isEmoji reports whether a grapheme cluster is one emoji as Unicode's sequences define it.
func isEmoji(cluster string) bool {
	first, _ := utf8.DecodeRuneInString(cluster)
	if first < 0x2000 && !strings.Contains(cluster, string(keycap)) && first != '©' && first != '®' {
		return false // letters, by far the most
	}
	if isFlag(cluster) || isKeycap(cluster) {
		return true
	}
	for i := 0; ; i++ {
		rest, ok := cutElement(cluster, i > 0)
		if !ok || rest == "" {
			return ok
		}
		if cluster, ok = strings.CutPrefix(rest, string(joiner)); !ok {
			return false
		}
	}
}

// cutElement cuts off one element of a sequence: an emoji with its variation selector or skin tone.
func cutElement(s string, isJoined bool) (rest string, ok bool) {
	base, size := utf8.DecodeRuneInString(s)
	rest = s[size:]
	switch {
	case isJoined && !strings.ContainsRune(joined, base):
		return rest, false
	case base >= letterA && base <= letterZ:
		return rest, false // half a flag
	case base < 0x1F000 && !strings.ContainsRune(basicEmoji, base), base > 0x1FAFF:
		return rest, false
	}
	rest = strings.TrimPrefix(rest, string(emojiStyle))
	tone, size := utf8.DecodeRuneInString(rest)
	if tone >= lightestSkin && tone <= darkestSkin && strings.ContainsRune(modifiable, base) {
		rest = rest[size:]
	}
	return rest, true
}

func isKeycap(cluster string) bool {
	rest := strings.TrimPrefix(cluster[1:], string(emojiStyle))
	return strings.ContainsRune("0123456789#*", rune(cluster[0])) && rest == string(keycap)
}

// isFlag reports whether a cluster is the flag of a country, or of England, Scotland or Wales.
func isFlag(cluster string) bool {
	if first, _ := utf8.DecodeRuneInString(cluster); first < letterA || len(cluster) > 7*utf8.UTFMax {
		return false
	}
	runes := []rune(cluster)
	if len(runes) == 2 && runes[0] >= letterA && runes[0] <= letterZ && runes[1] >= letterA && runes[1] <= letterZ {
		return strings.Contains(flags, string([]rune{'A' + runes[0] - letterA, 'A' + runes[1] - letterA}))
	}
	if len(runes) != 7 || runes[0] != blackFlag || runes[6] != tagEnd {
		return false
	}
	var region strings.Builder
	for _, r := range runes[1:6] {
		region.WriteRune('a' + r - tagA)
	}
	return strings.Contains("gbeng gbsct gbwls", region.String())
}
