import { runTool } from "@kagami/testkit";
import { describe, test } from "vitest";
import { useSession } from "../support/session.ts";

const s3 = useSession("boto3");

const PRELUDE = `
import sys, io, os, json, hashlib, urllib.request, boto3, datetime
from botocore.config import Config
from botocore.exceptions import ClientError
url, access, secret, region, bucket = sys.argv[1:6]
session = boto3.session.Session(access, secret, region_name=region)
config = Config(signature_version="s3v4", s3={"addressing_style": "path"})
c = session.client("s3", endpoint_url=url, config=config)
r = session.resource("s3", endpoint_url=url, config=config)
b = r.Bucket(bucket)
def code(work):
    try: work()
    except ClientError as error: return error.response["Error"]["Code"]
    return "done"
`;

/** Programs as a user of boto3 writes them; they end with an AssertionError where an answer is not what it should be. */
const PROGRAMS = [
  {
    does: "makes, finds and removes buckets",
    program: `
name = bucket + "-own"
c.create_bucket(Bucket=name)
c.get_waiter("bucket_exists").wait(Bucket=name, WaiterConfig={"Delay": 1, "MaxAttempts": 5})
assert name in [x["Name"] for x in c.list_buckets()["Buckets"]]
assert c.get_bucket_location(Bucket=name)["LocationConstraint"] in (None, "", "default", region)
c.delete_bucket(Bucket=name)
assert code(lambda: c.head_bucket(Bucket=name)) == "404"
assert code(lambda: c.delete_bucket(Bucket=name)) == "NoSuchBucket"
`,
  },
  {
    does: "writes and reads objects with metadata, by client and by resource",
    program: `
put = c.put_object(Bucket=bucket, Key="k/鏡 &<>", Body=b"hello", ContentType="text/plain", Metadata={"player": "ann"})
got = c.get_object(Bucket=bucket, Key="k/鏡 &<>")
assert got["Body"].read() == b"hello" and got["ETag"] == put["ETag"] == '"%s"' % hashlib.md5(b"hello").hexdigest()
assert got["ContentType"] == "text/plain" and got["Metadata"] == {"player": "ann"} and got["ContentLength"] == 5
head = c.head_object(Bucket=bucket, Key="k/鏡 &<>")
assert head["LastModified"].tzinfo and abs((datetime.datetime.now(datetime.timezone.utc) - head["LastModified"]).total_seconds()) < 3600
o = r.Object(bucket, "by resource"); o.put(Body=b"x" * 10)
assert o.content_length == 10 and o.get()["Body"].read() == b"x" * 10
o.delete()
assert code(lambda: o.load()) == "404" and code(lambda: c.get_object(Bucket=bucket, Key="absent")) == "NoSuchKey"
`,
  },
  {
    does: "reads ranges and by condition",
    program: `
etag = c.put_object(Bucket=bucket, Key="r", Body=b"0123456789")["ETag"]
got = c.get_object(Bucket=bucket, Key="r", Range="bytes=2-4")
assert got["Body"].read() == b"234" and got["ContentRange"] == "bytes 2-4/10"
assert code(lambda: c.get_object(Bucket=bucket, Key="r", Range="bytes=99-")) == "InvalidRange"
assert code(lambda: c.get_object(Bucket=bucket, Key="r", IfNoneMatch=etag)) == "304"
assert code(lambda: c.get_object(Bucket=bucket, Key="r", IfMatch='"0"')) == "PreconditionFailed"
assert c.get_object(Bucket=bucket, Key="r", ResponseContentType="text/x")["ContentType"] == "text/x"
`,
  },
  {
    does: "streams lines and chunks of a body",
    program: `
c.put_object(Bucket=bucket, Key="lines", Body=b"\\n".join(b"line %d" % i for i in range(10000)))
assert sum(1 for _ in c.get_object(Bucket=bucket, Key="lines")["Body"].iter_lines()) == 10000
assert sum(len(x) for x in c.get_object(Bucket=bucket, Key="lines")["Body"].iter_chunks(1000)) == 98889
`,
  },
  {
    does: "moves files in parts, and copies them",
    program: `
from boto3.s3.transfer import TransferConfig
config = TransferConfig(multipart_threshold=6*1024*1024, multipart_chunksize=5*1024*1024, max_concurrency=3)
body = os.urandom(12_000_000)
seen = []
c.upload_fileobj(io.BytesIO(body), bucket, "big", Config=config, ExtraArgs={"Metadata": {"a": "1"}}, Callback=seen.append)
assert sum(seen) == len(body)
assert c.head_object(Bucket=bucket, Key="big")["ETag"].endswith('-3"')
out = io.BytesIO(); c.download_fileobj(bucket, "big", out, Config=config)
assert out.getvalue() == body
c.copy({"Bucket": bucket, "Key": "big"}, bucket, "big copy", Config=config)
assert c.get_object(Bucket=bucket, Key="big copy")["Body"].read() == body
c.copy_object(Bucket=bucket, Key="small copy", CopySource={"Bucket": bucket, "Key": "big"}, MetadataDirective="REPLACE", Metadata={"b": "2"})
assert c.head_object(Bucket=bucket, Key="small copy")["Metadata"] == {"b": "2"}
`,
  },
  {
    does: "uploads parts by hand, lists and gives up",
    program: `
u = c.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
where = {"Bucket": bucket, "Key": "parts", "UploadId": u}
tags = [c.upload_part(PartNumber=n, Body=os.urandom(5*1024*1024), **where)["ETag"] for n in (1, 2)]
assert [p["Size"] for p in c.list_parts(**where)["Parts"]] == [5242880, 5242880]
assert u in [x["UploadId"] for x in c.list_multipart_uploads(Bucket=bucket)["Uploads"]]
done = c.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": i + 1, "ETag": t} for i, t in enumerate(tags)]}, **where)
assert done["ETag"].endswith('-2"')
u = c.create_multipart_upload(Bucket=bucket, Key="given up")["UploadId"]
c.abort_multipart_upload(Bucket=bucket, Key="given up", UploadId=u)
assert code(lambda: c.list_parts(Bucket=bucket, Key="given up", UploadId=u)) == "NoSuchUpload"
`,
  },
  {
    does: "pages through listings of every kind",
    program: `
names = sorted("p/%d/%02d +&" % (i % 3, i) for i in range(20))
for n in names: c.put_object(Bucket=bucket, Key=n, Body=b"")
for api in ("list_objects", "list_objects_v2"):
    pages = c.get_paginator(api).paginate(Bucket=bucket, Prefix="p/", PaginationConfig={"PageSize": 3})
    assert [o["Key"] for p in pages for o in p.get("Contents", [])] == names, api
pages = c.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix="p/", Delimiter="/")
assert [x["Prefix"] for p in pages for x in p["CommonPrefixes"]] == ["p/0/", "p/1/", "p/2/"]
assert [o.key for o in b.objects.filter(Prefix="p/1/")] == [n for n in names if n.startswith("p/1/")]
b.objects.filter(Prefix="p/").delete()
assert list(b.objects.filter(Prefix="p/")) == []
`,
  },
  {
    does: "deletes many at once",
    program: `
for n in "abc": c.put_object(Bucket=bucket, Key="d" + n, Body=b"")
done = c.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "d" + n} for n in "abcd"]})
assert sorted(x["Key"] for x in done["Deleted"]) == ["da", "db", "dc", "dd"] and "Errors" not in done
`,
  },
  {
    does: "presigns URLs and forms",
    program: `
url_ = c.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "signed"}, ExpiresIn=60)
urllib.request.urlopen(urllib.request.Request(url_, data=b"by URL", method="PUT", headers={"content-type": ""})).read()
url_ = c.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "signed"}, ExpiresIn=60)
assert urllib.request.urlopen(url_).read() == b"by URL"
post = c.generate_presigned_post(bucket, "form", Conditions=[["content-length-range", 1, 10]], ExpiresIn=60)
parts = b"".join(b'--B\\r\\nContent-Disposition: form-data; name="%s"\\r\\n\\r\\n%s\\r\\n' % (k.encode(), v.encode()) for k, v in post["fields"].items())
body = parts + b'--B\\r\\nContent-Disposition: form-data; name="file"; filename="f"\\r\\n\\r\\nby form\\r\\n--B--\\r\\n'
request = urllib.request.Request(post["url"], data=body, method="POST", headers={"content-type": "multipart/form-data; boundary=B"})
assert urllib.request.urlopen(request).status == 204
assert c.get_object(Bucket=bucket, Key="form")["Body"].read() == b"by form"
`,
  },
  {
    does: "sets tags, CORS, lifecycle and policy",
    program: `
tags = {"TagSet": [{"Key": "kind", "Value": "live"}]}
c.put_object(Bucket=bucket, Key="t", Body=b"", Tagging="a=1&b=2")
assert len(c.get_object_tagging(Bucket=bucket, Key="t")["TagSet"]) == 2
c.put_object_tagging(Bucket=bucket, Key="t", Tagging=tags)
assert c.get_object_tagging(Bucket=bucket, Key="t")["TagSet"] == tags["TagSet"]
c.put_bucket_tagging(Bucket=bucket, Tagging=tags)
assert c.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags["TagSet"]
c.delete_bucket_tagging(Bucket=bucket)
assert code(lambda: c.get_bucket_tagging(Bucket=bucket)) == "NoSuchTagSet"
rules = [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 5}]
c.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
assert c.get_bucket_cors(Bucket=bucket)["CORSRules"][0]["AllowedOrigins"] == ["*"]
c.delete_bucket_cors(Bucket=bucket)
rule = {"ID": "week", "Status": "Enabled", "Filter": {"And": {"Prefix": "l/", "Tags": [{"Key": "k", "Value": "v"}]}}, "Expiration": {"Days": 7}}
c.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
assert c.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == [rule]
c.delete_bucket_lifecycle(Bucket=bucket)
policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::%s/o/*" % bucket}]}
c.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
assert json.loads(c.get_bucket_policy(Bucket=bucket)["Policy"]) == policy
c.put_object(Bucket=bucket, Key="o/1", Body=b"open")
assert urllib.request.urlopen("%s/%s/o/1" % (url, bucket)).read() == b"open"
c.delete_bucket_policy(Bucket=bucket)
`,
  },
  {
    does: "keeps versions and clears a bucket of them",
    program: `
name = bucket + "-versions"
v = r.create_bucket(Bucket=name); v.Versioning().enable()
assert v.Versioning().status == "Enabled"
ids = [c.put_object(Bucket=name, Key="k", Body=b"%d" % i)["VersionId"] for i in range(3)]
assert c.get_object(Bucket=name, Key="k", VersionId=ids[0])["Body"].read() == b"0"
assert c.delete_object(Bucket=name, Key="k")["DeleteMarker"] is True
assert len(list(v.object_versions.all())) == 4
v.object_versions.delete()
assert list(v.object_versions.all()) == []
v.delete()
`,
  },
];

describe("boto3", () => {
  test.each(PROGRAMS)("$does", { timeout: 60_000 }, async ({ program }) => {
    const { accessKey, secretKey, region } = s3.endpoint.credentials;
    await runTool(
      "/usr/bin/python3",
      ["-c", PRELUDE + program, s3.endpoint.url, accessKey, secretKey, region, s3.bucket],
      { mustSucceed: true, debianPackage: "python3-boto3", timeoutMs: 60_000 },
    );
  });
});
