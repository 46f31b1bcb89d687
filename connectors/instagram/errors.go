package instagram

import (
	"github.com/switchhook/switchhook/connectors"
)

// publishRefusal gives the codes of Instagram's publishing their meaning, or nil. It tells most of them as subcodes, some as codes.
func publishRefusal(code, subcode int) *connectors.Error {
	if failed := publishMeaning(subcode); failed != nil {
		return failed
	}
	if code == 100 && subcode == 33 {
		return connectors.Unlinked(connectors.CodeAuthFailed, "Instagram does not let this token see the account any more. Connect the channel again, and grant what the guide names.")
	}
	return publishMeaning(code)
}

func publishMeaning(code int) *connectors.Error {
	media := func(sentence string) *connectors.Error {
		return connectors.Rejected(connectors.CodeMediaRejected, sentence, "media")
	}
	switch code {
	case 2207003, 2207052:
		failed := connectors.Retryable(nil)
		failed.Message = "Instagram could not fetch a file from this server. Check that BASE_URL can be reached from outside without logging in; it is tried again."
		return failed
	case 2207032, 2207053, 2207077, 2207082, 2207006, 2207008, 2207027:
		return connectors.Retryable(nil) // Instagram's own trouble, or a container that is to be made anew
	case 2207004:
		return media("Instagram refuses a picture because it is too large. It takes at most 8 MB.")
	case 2207005, 2207023, 2207026:
		return media("Instagram does not take the format of a file. Pictures must be JPEG; films MP4 or MOV with H.264 and AAC.")
	case 2207009, 36003:
		return media("Instagram does not take a picture of these proportions: from 4:5 to 1.91:1. Crop it.")
	case 36001:
		return media("Instagram does not take a picture of this resolution. Make it between 320 and 1440 pixels wide.")
	case 2207020:
		return media("The file was not there any more when Instagram fetched it. Upload it again.")
	case 2207028:
		return media("Instagram does not make a carousel of these files. It takes 2 to 10, which must all be of its formats.")
	case 2207057:
		return connectors.Rejected(connectors.CodeInvalidContent, "The cover's time lies outside the film. Choose an earlier one.", "options."+optionThumb)
	}
	return textMeaning(code)
}

// textMeaning covers what concerns a caption or the account.
func textMeaning(code int) *connectors.Error {
	switch code {
	case 2207010:
		return connectors.Rejected(connectors.CodeInvalidContent, "The caption is too long for Instagram, or has too many hashtags or mentions. Shorten it.", "body")
	case 2207035, 2207036, 2207037, 2207038, 2207039, 2207040:
		return connectors.Rejected(connectors.CodeInvalidContent, "Instagram does not take a tag or mention of this post. Leave it out, or correct it.", "body")
	case 2207001:
		return connectors.Rejected(connectors.CodeInvalidContent, "Instagram takes this post for spam. Change it before you publish it again.", "body")
	case 2207081:
		return connectors.Rejected(connectors.CodeInvalidContent, "This account can publish no trial reels.", "")
	case 2207051:
		return connectors.Rejected("action_blocked", "Instagram blocks publishing for this account for now, to guard its community. Publish by hand for some days, or tell Instagram that it is mistaken.", "")
	case 2207050:
		return connectors.Rejected(connectors.CodeAccountSuspended, "Instagram has restricted this account. Log in to the app and do what it asks before you publish again.", "")
	case 2207042:
		return quotaExceeded("Instagram lets this account publish no more posts within 24 hours.")
	}
	return nil
}
