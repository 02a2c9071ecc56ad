// German for the messages of the API. Each message can have any of the endings in the first section, so translation.js
// translates the ending separately.
// Messages about malformed requests stay English: the page sends none.
export default {
	// endings
	"; Triptych tries again": "; Triptych versucht es noch einmal",
	"; the picture waits until this is fixed": "; das Bild wartet, bis das behoben ist",
	"; Triptych sends the bytes instead": "; Triptych sendet stattdessen die Bytes",
	"; another one continues immediately": "; ein anderer macht sofort weiter",
	": try again in a few seconds": ": Versuche es in ein paar Sekunden noch einmal",
	": try again in ten seconds": ": Versuche es in zehn Sekunden noch einmal",
	": try again in a quarter of an hour or later": ": Versuche es in einer Viertelstunde oder später noch einmal",
	": try again later": ": Versuche es später noch einmal",
	" (StartToClose timeout)": " (Zeitlimit StartToClose)",
	" (Heartbeat timeout)": " (Zeitlimit Heartbeat)",

	// worker
	"The worker needed more than {1} seconds before it could call Google: check how fast S3 and Cosmos DB answer, and whether many pictures are sent as bytes":
		"Der Worker hat mehr als {1} Sekunden gebraucht, bevor er Google aufrufen konnte: prüfen, wie schnell S3 und Cosmos DB antworten und ob viele Bilder als Bytes gesendet werden",

	// AWS
	"The picture is no longer in S3": "Das Bild ist nicht mehr in S3",
	"This version of the picture is no longer in S3": "Diese Version des Bildes ist nicht mehr in S3",
	"AWS refused to describe an object and gave no reason: renew the worker's credentials, or check whether the object is encrypted with a customer-provided key (SSE-C)":
		"AWS gibt ohne Begründung keine Auskunft über ein Objekt: die Anmeldedaten des Workers erneuern oder prüfen, ob das Objekt mit einem Schlüssel des Kunden (SSE-C) verschlüsselt ist",
	"The picture was replaced in S3": "Das Bild wurde in S3 ersetzt",
	"The picture has been deleted from S3": "Das Bild wurde aus S3 gelöscht",
	"S3 does not know this version of the picture": "S3 kennt diese Version des Bildes nicht",
	"The bucket does not exist: check TRIPTYCH_BUCKET": "Den Bucket gibt es nicht: TRIPTYCH_BUCKET prüfen",
	"AWS refused access: the worker's role needs s3:GetObject, s3:GetObjectVersion, s3:DeleteObject, s3:DeleteObjectVersion, s3:ListBucket and s3:ListBucketVersions":
		"AWS hat den Zugriff verweigert: Die Rolle des Workers braucht s3:GetObject, s3:GetObjectVersion, s3:DeleteObject, s3:DeleteObjectVersion, s3:ListBucket und s3:ListBucketVersions",
	"AWS does not know the program's access key: check its credentials": "AWS kennt den Zugriffsschlüssel des Programms nicht: seine Anmeldedaten prüfen",
	"AWS refused the program's signature: check its secret key and clock": "AWS hat die Signatur des Programms abgelehnt: seinen geheimen Schlüssel und seine Uhr prüfen",
	"The program's AWS credentials have expired: renew them": "Die AWS-Anmeldedaten des Programms sind abgelaufen und müssen erneuert werden",
	"AWS refused the program's session token: renew its credentials": "AWS hat das Sitzungstoken des Programms abgelehnt: seine Anmeldedaten erneuern",
	"AWS refused the time of the program's request: set the program's clock": "AWS hat die Uhrzeit in der Anfrage des Programms abgelehnt: dessen Uhr stellen",
	"The bucket is in another region: check AWS_REGION": "Der Bucket liegt in einer anderen Region: AWS_REGION prüfen",
	"AWS has blocked the account or the bucket: contact AWS Support": "AWS hat das Konto oder den Bucket gesperrt: den AWS Support fragen",
	"S3 refused the request: check whether the object is encrypted with a customer-provided key (SSE-C)":
		"S3 hat die Anfrage abgelehnt: prüfen, ob das Objekt mit einem Schlüssel des Kunden (SSE-C) verschlüsselt ist",
	"The name of the bucket is invalid: check TRIPTYCH_BUCKET": "Der Name des Buckets ist ungültig: TRIPTYCH_BUCKET prüfen",
	"The object is archived: restore it": "Das Objekt ist archiviert und muss wiederhergestellt werden",
	"AWS KMS did not decrypt the picture: enable its key, and grant the worker's role kms:Decrypt":
		"AWS KMS hat das Bild nicht entschlüsselt: den Schlüssel einschalten und der Rolle des Workers kms:Decrypt erlauben",
	"AWS KMS asked to slow down": "AWS KMS bittet um weniger Anfragen",
	"S3 asked to slow down": "S3 bittet um weniger Anfragen",
	"S3 is unavailable": "S3 ist nicht verfügbar",
	"S3 had an internal error": "S3 hatte einen internen Fehler",
	"AWS refused to describe an object: the worker's role needs s3:GetObject, s3:GetObjectVersion and s3:ListBucket":
		"AWS gibt keine Auskunft über ein Objekt: Die Rolle des Workers braucht s3:GetObject, s3:GetObjectVersion und s3:ListBucket",
	"S3 could not be reached": "S3 war nicht erreichbar",
	"The worker has no AWS credentials to sign the picture's URL: give it a role or AWS_ACCESS_KEY_ID":
		"Der Worker hat keine AWS-Anmeldedaten, um die URL des Bildes zu signieren: ihm eine Rolle oder AWS_ACCESS_KEY_ID geben",
	"AWS does not give the worker its credentials at the moment": "AWS gibt dem Worker gerade keine Anmeldedaten",
	"The picture's URL cannot be signed: check AWS_REGION and TRIPTYCH_BUCKET": "Die URL des Bildes lässt sich nicht signieren: AWS_REGION und TRIPTYCH_BUCKET prüfen",
	"The worker's AWS credentials expire in {1} and cannot be renewed": "Die AWS-Anmeldedaten des Workers laufen in {1} ab und lassen sich nicht erneuern",

	// Google
	"Google's quota for Cloud Vision is exhausted": "Googles Kontingent für Cloud Vision ist aufgebraucht",
	"Google refused the worker's credentials: check GOOGLE_CREDENTIALS_CONFIG or Application Default Credentials":
		"Google hat die Anmeldedaten des Workers abgelehnt: GOOGLE_CREDENTIALS_CONFIG oder die Application Default Credentials prüfen",
	"Google refused access: enable vision.googleapis.com and billing for the project, and let the worker's account use it":
		"Google hat den Zugriff verweigert: vision.googleapis.com und die Abrechnung für das Projekt einschalten und das Konto des Workers dafür zulassen",
	"Google refused the request, not the picture: check TRIPTYCH_FEATURES and TRIPTYCH_VISION_PARENT":
		"Google hat die Anfrage abgelehnt, nicht das Bild: TRIPTYCH_FEATURES und TRIPTYCH_VISION_PARENT prüfen",
	"Google's project is not ready for Cloud Vision: check its billing and settings":
		"Googles Projekt ist nicht bereit für Cloud Vision: seine Abrechnung und Einstellungen prüfen",
	"Google's project or endpoint does not exist: check the settings": "Googles Projekt oder Endpunkt gibt es nicht: die Einstellungen prüfen",
	"The server is not Cloud Vision: check TRIPTYCH_VISION_ENDPOINT or VISION_EMULATOR_HOST": "Der Server ist nicht Cloud Vision: TRIPTYCH_VISION_ENDPOINT oder VISION_EMULATOR_HOST prüfen",
	"Cloud Vision is unavailable or unreachable": "Cloud Vision ist nicht verfügbar oder nicht erreichbar",
	"Cloud Vision did not respond in time": "Cloud Vision hat nicht rechtzeitig geantwortet",
	"Cloud Vision had an internal error": "Cloud Vision hatte einen internen Fehler",
	"Cloud Vision could not be called": "Cloud Vision ließ sich nicht aufrufen",
	"The worker has no AWS role to sign in to Google with: give it one, and set AWS_REGION":
		"Der Worker hat keine AWS-Rolle, um sich bei Google anzumelden: ihm eine geben und AWS_REGION setzen",
	"Google does not know the worker's identity pool, or AWS did not confirm the worker's role: check GOOGLE_CREDENTIALS_CONFIG and the clock":
		"Google kennt den Identitätspool des Workers nicht, oder AWS hat die Rolle des Workers nicht bestätigt: GOOGLE_CREDENTIALS_CONFIG und die Uhr prüfen",
	"Google's identity pool does not trust the worker's AWS role: check the provider's attribute condition":
		"Googles Identitätspool vertraut der AWS-Rolle des Workers nicht: die Attributbedingung des Anbieters prüfen",
	"Google does not let the worker use its service account: grant the worker's AWS role roles/iam.workloadIdentityUser on it":
		"Google lässt den Worker sein Dienstkonto nicht benutzen: der AWS-Rolle des Workers dafür roles/iam.workloadIdentityUser geben",
	"The worker's service account does not exist: check GOOGLE_CREDENTIALS_CONFIG":
		"Das Dienstkonto des Workers gibt es nicht: GOOGLE_CREDENTIALS_CONFIG prüfen",
	"Signing in to Google failed": "Die Anmeldung bei Google ist fehlgeschlagen",
	"Google could not fetch the picture": "Google konnte das Bild nicht abrufen",
	"Google could not read what it fetched": "Google konnte nicht lesen, was es abgerufen hat",
	"Google could not fetch the picture in time": "Google konnte das Bild nicht rechtzeitig abrufen",
	"Google was not allowed to fetch the picture": "Google durfte das Bild nicht abrufen",
	"Google did not find the picture": "Google hat das Bild nicht gefunden",
	"The server does not support a requested feature: check TRIPTYCH_FEATURES":
		"Der Server unterstützt eine verlangte Funktion nicht: TRIPTYCH_FEATURES prüfen",
	"Google could not annotate the picture": "Google konnte das Bild nicht beschreiben",
	"Google cannot read this file as an image": "Google kann diese Datei nicht als Bild lesen",
	"The picture has more than {1} megapixels, which Google does not accept: make it smaller":
		"Das Bild hat mehr als {1} Megapixel, und das nimmt Google nicht an: das Bild verkleinern",
	"The file is larger than Google accepts: make the picture smaller": "Die Datei ist größer, als Google annimmt: das Bild verkleinern",
	"Google returned {1} annotations for one picture": "Google hat für ein Bild {1} Beschreibungen geschickt",
	"Google's annotation is too large: the Record would have {1} bytes, and the limit is {2}":
		"Googles Beschreibung ist zu groß: Der Record hätte {1} Bytes, erlaubt sind {2}",
	"The picture has {1} bytes, and Google accepts at most {2}": "Das Bild hat {1} Bytes, und Google nimmt höchstens {2} an",
	"Google could not fetch the picture by its URL, and its {1} bytes exceed the {2} that can be sent: make the bucket reachable for Google":
		"Google konnte das Bild nicht über seine URL abrufen, und seine {1} Bytes sind mehr als die {2}, die sich senden lassen: den Bucket für Google erreichbar machen",
	"This site annotates at most {1} pictures a day, so this one waits until {2}:{3} UTC":
		"Auf dieser Website werden höchstens {1} Bilder am Tag ausgewertet, deshalb wartet dieses bis {2}:{3} Uhr UTC",
	"This site annotates no pictures at the moment": "Diese Website wertet im Moment keine Bilder aus",

	// Azure
	"Cosmos DB refused the format of the Record: the container's partition key must be /id":
		"Cosmos DB hat das Format des Records abgelehnt: Der Partitionsschlüssel des Containers muss /id sein",
	"Azure refused the program's credentials: check COSMOS_KEY or the federated identity, and the clock":
		"Azure hat die Anmeldedaten des Programms abgelehnt: COSMOS_KEY oder die verbundene Identität und die Uhr prüfen",
	"Azure refused access: assign the Cosmos DB roles that Terraform defines to the program's identity":
		"Azure hat den Zugriff verweigert: Gib der Identität des Programms die Cosmos-DB-Rollen, die Terraform definiert",
	"Azure refused the time of the program's request: set the program's clock": "Azure hat die Uhrzeit in der Anfrage des Programms abgelehnt: dessen Uhr stellen",
	"Cosmos DB blocked the program: allow its network in the firewall of the account, and check its credentials":
		"Cosmos DB hat das Programm abgewiesen: sein Netzwerk in der Firewall des Kontos erlauben und seine Anmeldedaten prüfen",
	"This Azure region does not accept the request: if this lasts for minutes, check COSMOS_ENDPOINT and the account's regions":
		"Diese Azure-Region nimmt die Anfrage nicht an: Falls das Minuten dauert, prüfe COSMOS_ENDPOINT und die Regionen des Kontos",
	"Cosmos DB does not know yet whether the picture has a Record": "Cosmos DB weiß noch nicht, ob das Bild einen Record hat",
	"The database or container does not exist: create it (Terraform does)":
		"Die Datenbank oder den Container gibt es nicht: anlegen (Terraform tut das)",
	"Cosmos DB timed out": "Cosmos DB hat nicht rechtzeitig geantwortet",
	"Cosmos DB is moving the partition": "Cosmos DB verschiebt gerade die Partition",
	"The Record is larger than Cosmos DB allows": "Der Record ist größer, als Cosmos DB erlaubt",
	"Cosmos DB has no request units left": "Cosmos DB hat keine Anforderungseinheiten mehr frei",
	"Cosmos DB was processing another write of the same Record": "Cosmos DB war noch dabei, denselben Record zu schreiben",
	"Cosmos DB had an internal error": "Cosmos DB hatte einen internen Fehler",
	"Cosmos DB is unavailable": "Cosmos DB ist nicht verfügbar",
	"Cosmos DB could not be reached": "Cosmos DB war nicht erreichbar",
	"The program has no credentials for Azure: set AZURE_FEDERATION or COSMOS_KEY, or give it an identity":
		"Das Programm hat keine Anmeldedaten für Azure: AZURE_FEDERATION oder COSMOS_KEY setzen oder ihm eine Identität geben",
	"AWS does not allow the program's role to request a token for Azure: allow sts:GetWebIdentityToken for api://AzureADTokenExchange":
		"AWS erlaubt der Rolle des Programms kein Token für Azure: sts:GetWebIdentityToken für api://AzureADTokenExchange erlauben",
	"AWS refused the program's credentials, or it has none: give it a role or renew its credentials, and check the clock":
		"AWS hat die Anmeldedaten des Programms abgelehnt, oder es hat keine: ihm eine Rolle geben oder seine Anmeldedaten erneuern, und die Uhr prüfen",
	"AWS STS is not active in this region: activate it for the AWS account, or check AWS_REGION":
		"AWS STS ist in dieser Region nicht aktiv: für das AWS-Konto einschalten oder AWS_REGION prüfen",
	"This AWS account issues no tokens for other clouds: enable outbound web identity federation (Terraform does)":
		"Dieses AWS-Konto stellt keine Token für andere Clouds aus: Outbound Web Identity Federation einschalten (Terraform tut das)",
	"Azure does not know the program's identity or does not trust the AWS role: check AZURE_TENANT_ID, AZURE_CLIENT_ID and the identity's federated credential":
		"Azure kennt die Identität des Programms nicht oder vertraut der AWS-Rolle nicht: AZURE_TENANT_ID, AZURE_CLIENT_ID und die Verbundanmeldeinformationen der Identität prüfen",
	"Azure does not trust the program's AWS role: the identity's federated credential must name AWS's issuer, the role and api://AzureADTokenExchange":
		"Azure vertraut der AWS-Rolle des Programms nicht: Die Verbundanmeldeinformationen der Identität müssen den Aussteller von AWS, die Rolle und api://AzureADTokenExchange nennen",
	"The document of this picture in Cosmos DB is not a Record: repair or delete it":
		"Das Dokument dieses Bildes in Cosmos DB ist kein Record: Es muss repariert oder gelöscht werden",
	"The Record was changed concurrently": "Der Record wurde gleichzeitig geändert",

	// Temporal and the worker
	"Temporal could not be reached: check TEMPORAL_ADDRESS and TEMPORAL_TLS": "Temporal war nicht erreichbar: TEMPORAL_ADDRESS und TEMPORAL_TLS prüfen",
	"Temporal refused the API key: check TEMPORAL_API_KEY and its expiry": "Temporal hat den API-Schlüssel abgelehnt: TEMPORAL_API_KEY und seine Gültigkeit prüfen",
	"Temporal refused access: give the service account of TEMPORAL_API_KEY write access to TEMPORAL_NAMESPACE":
		"Temporal hat den Zugriff verweigert: Das Dienstkonto von TEMPORAL_API_KEY braucht Schreibrechte in TEMPORAL_NAMESPACE",
	"The namespace does not exist: check TEMPORAL_NAMESPACE": "Den Namespace gibt es nicht: TEMPORAL_NAMESPACE prüfen",
	"Temporal refused the request: check TEMPORAL_NAMESPACE": "Temporal hat die Anfrage abgelehnt: TEMPORAL_NAMESPACE prüfen",
	"Temporal asked to slow down: ask for a higher limit of the namespace if this continues":
		"Temporal bittet um weniger Anfragen: falls das anhält, ein höheres Limit für den Namespace beantragen",
	"The message is not encrypted with a known payload key": "Die Meldung ist mit keinem bekannten Schlüssel verschlüsselt",
	"The owner erased the picture": "Das Bild wurde gelöscht",
	"The worker is sending as many pictures as its memory allows": "Der Worker sendet schon so viele Bilder, wie in seinen Speicher passen",
	"The worker is shutting down": "Der Worker wird beendet",
	"The operator has paused this step": "Der Betreiber hat diesen Schritt angehalten",
	"The worker cannot continue": "Der Worker kommt nicht weiter",
	"The worker stopped responding": "Der Worker antwortet nicht mehr",
	"The worker had an unexpected error": "Der Worker hatte einen unerwarteten Fehler",
	"The workflow completed without a result": "Der Workflow endete ohne Ergebnis",
	"The workflow failed": "Der Workflow ist fehlgeschlagen",
	"The workflow timed out": "Der Workflow hat zu lange gedauert",
	"The workflow was cancelled": "Der Workflow wurde abgebrochen",
	"The workflow was terminated": "Der Workflow wurde beendet",

	// the site
	"The body did not arrive in time: send it again": "Der Inhalt kam nicht rechtzeitig an: noch einmal senden",
	"Temporal does not answer, so nothing was erased yet": "Temporal antwortet nicht, deshalb wurde noch nichts gelöscht",
	"Temporal does not answer, so the state of the picture is unknown": "Temporal antwortet nicht, deshalb ist der Stand des Bildes unbekannt",
	"Azure Cosmos DB does not answer, so the state of the picture is unknown": "Azure Cosmos DB antwortet nicht, deshalb ist der Stand des Bildes unbekannt",
	"The upload cannot be signed at the moment": "Das Hochladen lässt sich gerade nicht freigeben",
	"The picture's URL cannot be signed at the moment": "Die URL des Bildes lässt sich gerade nicht signieren",
	"The site cannot read its settings at the moment": "Die Website kann ihre Einstellungen gerade nicht lesen",
	"Too many pictures are waiting to be annotated": "Zu viele Bilder warten darauf, ausgewertet zu werden",
	"Something is wrong with this site, not with your request": "Mit dieser Website stimmt etwas nicht, nicht mit deiner Anfrage",
	"The picture was erased": "Das Bild wurde gelöscht",
	"This address names no picture: use the ID that POST /api/pictures returned": "Diese Adresse nennt kein Bild: die ID benutzen, die POST /api/pictures geliefert hat",
};
