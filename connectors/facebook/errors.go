package facebook

import (
	"time"

	"github.com/switchhook/switchhook/connectors"
)

// tooFast is how long a Page rests that posts too fast. Facebook does not say how long.
const tooFast = time.Hour

// publishRefusal gives the codes of publishing on a Page their meaning, or nil. Facebook tells them as code or as subcode.
func publishRefusal(code, subcode int) *connectors.Error {
	if failed := publishMeaning(subcode); failed != nil {
		return failed
	}
	return publishMeaning(code)
}

func publishMeaning(code int) *connectors.Error {
	switch code {
	case 1366046:
		return connectors.Rejected(connectors.CodeMediaRejected, "Facebook refuses a picture: it is too large, or of a format that it does not take. Make it a JPEG or PNG of at most 4 MB.", "media")
	case 1366051:
		return connectors.Rejected(connectors.CodeDuplicatePost, "These pictures have been published before. Leave it at that, or take others.", "media")
	case 1390008:
		failed := connectors.RateLimited(tooFast)
		failed.Message = "This Page publishes too fast for Facebook. The post goes out later."
		return failed
	case 1346003, 1404102:
		return connectors.Rejected(connectors.CodeInvalidContent, "Facebook refuses the post because its content is against its rules. Change it before you publish it again.", "body")
	case 1349125:
		return connectors.Rejected(connectors.CodeInvalidContent, "Facebook does not take the content of this post. Change it before you publish it again.", "body")
	case 1609008:
		return connectors.Rejected(connectors.CodeInvalidContent, "Facebook takes no links to itself in posts of an app. Leave the address out.", "body")
	case 2061006:
		return connectors.Rejected(connectors.CodeInvalidContent, "Facebook cannot use the link of this post. Check the address.", "options."+optionLink)
	case 1404006, 1404112, 4854002:
		return connectors.Unlinked(connectors.CodeAccountSuspended, "Facebook has locked the account until its owner confirms something. Log in at facebook.com, do what it asks, and check the channel again.")
	case 1363047, 1609010:
		return connectors.Retryable(nil)
	}
	return nil
}
